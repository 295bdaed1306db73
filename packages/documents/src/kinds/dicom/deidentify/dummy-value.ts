/** Values that say nothing, of the form of their VR: PS3.5 table 6.2-1. */
const texts: Record<string, string> = {
  AE: "ANONYMIZED",
  AS: "000Y",
  CS: "ANONYMIZED",
  DA: "19000101",
  DS: "0",
  DT: "19000101000000",
  IS: "0",
  LO: "ANONYMIZED",
  LT: "ANONYMIZED",
  PN: "ANONYMIZED",
  SH: "ANONYMIZED",
  ST: "ANONYMIZED",
  TM: "000000",
  UC: "ANONYMIZED",
  UR: "about:blank",
  UT: "ANONYMIZED",
};

/** Bytes of a value; binary ones are zeros. */
export function dummyValue(vr: string): Uint8Array {
  const text = texts[vr];
  if (text !== undefined) return Buffer.from(text, "latin1");
  return new Uint8Array(
    ["FD", "OD", "OV", "SV", "UV"].includes(vr) ? 8 : ["FL", "OF", "OL", "SL", "UL", "AT"].includes(vr) ? 4 : 2,
  );
}
