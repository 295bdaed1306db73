import { describe, expect, test } from "vitest";
import { deidentify } from "../src/deidentify.js";
import { dicomAttributes } from "../src/dicom-attributes.js";
import { readDicomFile } from "../src/kinds/dicom/dicom-file.js";
import { file, picture, pixels, syntaxes, type Element } from "./dicom/dicom-writer.js";
import { samplesOf, stored } from "./dicom/open.js";

const secret = "a secret of this test";
/** Marks that have to be gone: each stands in one place. */
const marks = [
  "MARK-NAME",
  "MARK-ID",
  "MARK-ACC",
  "MARK-DOC",
  "MARK-NEST",
  "MARK-PRIV",
  "MARK-UNKN",
  "MARK-OVER",
  "MARK-DESC",
  "MARK-META",
];

const study: Element[] = [
  ...picture({ columns: 2, rows: 1 }),
  [0x00080018, "UI", "1.2.3.100"],
  [0x00080020, "DA", "20200102"],
  [0x00080050, "SH", "MARK-ACC"],
  [0x00080090, "PN", "MARK-DOC"],
  [0x00081030, "LO", "MARK-DESC"],
  [
    0x00081140,
    "SQ",
    [
      [
        [0x00081150, "UI", "1.2.840.10008.5.1.4.1.1.2"],
        [0x00081155, "UI", "1.2.3.200"],
      ],
    ],
  ],
  [
    0x00082218,
    "SQ",
    [
      [
        [0x00080104, "LO", "Head"],
        [0x00100010, "PN", "MARK-NEST"],
        [0x00091010, "LO", "MARK-PRIV"],
      ],
    ],
  ],
  [0x00090010, "LO", "MARK-PRIV"],
  [0x00091001, "SQ", [[[0x00100010, "PN", "MARK-PRIV"]]]],
  [0x00100010, "PN", "MARK-NAME^Example"],
  [0x00100020, "LO", "MARK-ID"],
  [0x00100040, "CS", "F"],
  [0x001821fe, "LO", "MARK-UNKN"],
  [0x0020000d, "UI", "1.2.3.1"],
  [0x0020000e, "UI", "1.2.3.2"],
  [0x00200052, "UI", "1.2.3.200"],
  [0x60000010, "US", [1]],
  [0x60000011, "US", [2]],
  [0x60003000, "OW", [1]],
  [0x60004000, "LT", "MARK-OVER"],
  pixels("OW", [0x0201]),
];

describe.each(["implicit", "explicit", "deflated", "bigEndian"] as const)("an %s file", (name) => {
  const original = file(study, syntaxes[name]);
  const { bytes, report } = deidentify(original, { secret });
  const after = dicomAttributes(bytes);

  test("has none of what identified", () => {
    const { dataSet } = readDicomFile(bytes, 1e6);
    // A deflated one is searched as it is inflated.
    const text = Buffer.from(dataSet.bytes).toString("latin1") + Buffer.from(bytes).toString("latin1");
    for (const mark of [...marks, "20200102", "1.2.3."]) expect(text, mark).not.toContain(mark);
  });

  test("is treated as the table says", () => {
    expect(after).toMatchObject({
      AccessionNumber: null,
      PatientName: null,
      PatientID: "ANONYMIZED",
      PatientSex: null,
      StudyDate: null,
      PatientIdentityRemoved: "YES",
      LongitudinalTemporalInformationModified: "REMOVED",
      DeidentificationMethodCodeSequence: [{ CodeValue: "113100", CodingSchemeDesignator: "DCM" }],
      AnatomicRegionSequence: [{ CodeMeaning: "Head" }],
      SOPClassUID: "1.2.840.10008.5.1.4.1.1.7",
      TransferSyntaxUID: syntaxes[name],
    });
    for (const keyword of ["StudyDescription", "OverlayData_6000", "OverlayRows_6000"])
      expect(after).not.toHaveProperty(keyword);
    expect(report.removed).toMatchObject({ StudyDescription: 1, private: 3, unknown: 1, OverlayData: 1 });
    expect(report.emptied).toMatchObject({ PatientName: 2, AccessionNumber: 1 });
    expect(report.newUids).toMatchObject({ StudyInstanceUID: 1, SOPInstanceUID: 1, ReferencedSOPInstanceUID: 1 });
  });

  test("keeps together what belonged together", () => {
    const other = dicomAttributes(deidentify(original, { secret }).bytes);
    const stranger = dicomAttributes(deidentify(original).bytes);
    expect(after.StudyInstanceUID).toMatch(/^2\.25\.\d{30,39}$/);
    expect(other.StudyInstanceUID).toBe(after.StudyInstanceUID);
    expect(stranger.StudyInstanceUID).not.toBe(after.StudyInstanceUID);
    expect(after.MediaStorageSOPInstanceUID).toBe(after.SOPInstanceUID);
    // The same UID in two attributes, one of them within a sequence.
    expect(after.ReferencedImageSequence).toMatchObject([{ ReferencedSOPInstanceUID: after.FrameOfReferenceUID }]);
    expect(new Set([after.StudyInstanceUID, after.SeriesInstanceUID, after.SOPInstanceUID]).size).toBe(3);
  });

  test("shows the same picture, without the overlay", async () => {
    expect(await samplesOf(bytes)).toEqual([1, 2]);
    expect(await samplesOf(original)).toContain(255);
  });

  test("the report has no value", () => {
    expect(JSON.stringify(report)).not.toMatch(/MARK|1\.2\.3|2020/);
  });
});

test("compressed pixels are carried over byte for byte", () => {
  for (const name of ["jpeg-ls", "rle-rgb-planar", "jpeg-2000-signed-16"]) {
    const before = readDicomFile(stored(name), 0).dataSet;
    const after = readDicomFile(deidentify(stored(name)).bytes, 0).dataSet;
    expect(after.value(0x7fe00010)).toEqual(before.value(0x7fe00010));
  }
});

test("a preamble does not stay", () => {
  const original = file(study);
  original.set(Buffer.from("MARK-PREAMBLE"));
  expect(Buffer.from(deidentify(original).bytes).toString("latin1")).not.toContain("MARK-PREAMBLE");
});

test("a kept attribute that repeats the person's name is replaced, and said", () => {
  const { bytes, report } = deidentify(
    file([...study, [0x00081090, "LO", "Scanner of mark-name"], [0x00180010, "LO", "Gadolinium"]]),
  );
  expect(report.repeated).toEqual({ ManufacturerModelName: 1 });
  expect(dicomAttributes(bytes)).toMatchObject({ ManufacturerModelName: "ANONYMIZED" });
});

test("a report's content says nothing afterwards, and keeps its structure", () => {
  const item: Element[] = [
    [0x0040a010, "CS", "CONTAINS"],
    [0x0040a040, "CS", "TEXT"],
    [
      0x0040a043,
      "SQ",
      [
        [
          [0x00080100, "SH", "121071"],
          [0x00080104, "LO", "MARK-CODE"],
        ],
      ],
    ],
    [0x0040a160, "UT", "MARK-TEXT of a finding"],
  ];
  const { bytes, report } = deidentify(
    file([
      [0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.88.11"],
      [0x0040a730, "SQ", [item]],
    ]),
  );
  expect(Buffer.from(bytes).toString("latin1")).not.toContain("MARK");
  expect(dicomAttributes(bytes).ContentSequence).toMatchObject([
    { RelationshipType: "CONTAINS", ValueType: "TEXT", TextValue: "ANONYMIZED" },
  ]);
  expect(report.limits.map(({ kind }) => kind)).toEqual(["structured-report"]);
});

test("an encapsulated document is replaced", () => {
  const { bytes, report } = deidentify(
    file([
      [0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.104.1"],
      [0x00420011, "OB", Buffer.from("%PDF-1.4 MARK-PDF")],
      [0x00420015, "UL", [17]],
    ]),
  );
  expect(Buffer.from(bytes).toString("latin1")).not.toContain("MARK");
  expect(dicomAttributes(bytes)).toMatchObject({
    EncapsulatedDocument: { byteLength: 2 },
    EncapsulatedDocumentLength: 2,
  });
  expect(report.limits.map(({ kind }) => kind)).toEqual(["encapsulated-document"]);
});

describe("what it cannot do is said", () => {
  const kindsOf = (...more: Element[]) =>
    deidentify(file([...picture({ columns: 2, rows: 1, bits: 16, stored: 12 }, ...more), pixels("OW", [1, 2])])).report;

  test("text in pixels", () => {
    const us: Element[] = [
      [0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.6.1"],
      [0x00080060, "CS", "US"],
    ];
    expect(kindsOf(...us, [0x00280301, "CS", "NO"])).toMatchObject({
      burnedIn: "NO",
      limits: [{ kind: "burned-in-text" }],
    });
    const ct: Element[] = [
      [0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2"],
      [0x00080060, "CS", "CT"],
      [0x00180015, "CS", "CHEST"],
    ];
    expect(kindsOf(...ct, [0x00280301, "CS", "NO"]).limits).toEqual([]);
    expect(kindsOf(...ct, [0x00280301, "CS", "YES"])).toMatchObject({
      burnedIn: "YES",
      limits: [{ kind: "burned-in-text" }],
    });
    expect(kindsOf(...ct)).toMatchObject({ burnedIn: "not said", limits: [{ kind: "burned-in-text" }] });
  });

  test("faces, and overlays in unused bits", () => {
    const { limits } = kindsOf(
      [0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.4"],
      [0x00080060, "CS", "MR"],
      [0x00180015, "CS", "HEAD"],
      [0x00280301, "CS", "NO"],
      [0x60000100, "US", [16]],
      [0x60000102, "US", [15]],
    );
    expect(limits.map(({ kind }) => kind)).toEqual(["recognizable-face", "embedded-overlay"]);
  });
});

test("attributes that were encrypted before are told", () => {
  const { report } = deidentify(file([[0x04000500, "SQ", [[[0x04000520, "OB", [1, 2]]]]]]));
  expect(report.limits.map(({ kind }) => kind)).toEqual(["encrypted-attributes"]);
});

test("a DICOMDIR is refused", () => {
  expect(() => deidentify(file([[0x00041220, "SQ", []]]))).toThrow(/DICOMDIR/);
});
