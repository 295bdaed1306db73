/** VRs whose length takes 32 bits in explicit encodings, PS3.5 section 7.1.2. */
const longForms = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"]);
const shortForms = new Set("AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split(" "));

/**
 * Whether an element of this VR has a length of 32 bits. VRs of later editions have one too: the standard says so, that today's
 * readers can skip them.
 */
export const hasLongLength = (vr: string) => !shortForms.has(vr);

/** Whether these two letters are a VR of the standard. */
export const isVr = (vr: string) => shortForms.has(vr) || longForms.has(vr);

/** VRs whose values are characters of the data set's character sets, PS3.5 section 6.1.2.3. */
export const isTextVr = (vr: string) => ["LO", "LT", "PN", "SH", "ST", "UC", "UT"].includes(vr);

/** VRs whose values are characters of the default repertoire. */
export const isCodeVr = (vr: string) => ["AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"].includes(vr);
