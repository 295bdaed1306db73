import { describe, expect, test } from "vitest";
import { dicomAttributes } from "../src/dicom-attributes.js";
import { file, picture, pixels, syntaxes, type Element } from "./dicom/dicom-writer.js";

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));
const named = (charset: string, name: string | Uint8Array) =>
  dicomAttributes(
    file([
      [0x00080005, "CS", charset],
      [0x00100010, "PN", name],
    ]),
  ).PatientName;

/** Names of the examples in annexes H to K of PS3.5. */
describe("character sets of names", () => {
  test.each([
    ["ISO_IR 100", bytes("Buc^J\xe9r\xf4me"), { alphabetic: "Buc^Jérôme" }],
    ["ISO_IR 126", bytes("\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2"), { alphabetic: "Διονυσιος" }],
    ["ISO_IR 144", bytes("\xbb\xee\xda\x63\x65\xdc\xd1\x79\x70\xd3"), { alphabetic: "Люкceмбypг" }],
    ["ISO_IR 127", bytes("\xe2\xc8\xc7\xe6\xea"), { alphabetic: "قباني" }],
    ["ISO_IR 138", bytes("\xf9\xf8\xe5\xef"), { alphabetic: "שרון" }],
    ["ISO_IR 166", bytes("\xb9\xd2\xc2"), { alphabetic: "นาย" }],
    [
      "ISO_IR 192",
      Uint8Array.from(Buffer.from("Wang^XiaoDong=王^小東")),
      { alphabetic: "Wang^XiaoDong", ideographic: "王^小東" },
    ],
    [
      "GB18030",
      bytes("Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab"),
      { alphabetic: "Wang^XiaoDong", ideographic: "王^小东" },
    ],
    ["GBK", bytes("Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab"), { alphabetic: "Wang^XiaoDong", ideographic: "王^小东" }],
    [
      "\\ISO 2022 IR 87",
      bytes("Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"),
      { alphabetic: "Yamada^Tarou", ideographic: "山田^太郎", phonetic: "やまだ^たろう" },
    ],
    [
      "ISO 2022 IR 13\\ISO 2022 IR 87",
      bytes("\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J"),
      { alphabetic: "ﾔﾏﾀﾞ^ﾀﾛｳ", ideographic: "山田^太郎", phonetic: "やまだ^たろう" },
    ],
    [
      "\\ISO 2022 IR 149",
      bytes("Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf"),
      { alphabetic: "Hong^Gildong", ideographic: "洪^吉洞", phonetic: "홍^길동" },
    ],
    [
      "\\ISO 2022 IR 58",
      bytes("Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab="),
      { alphabetic: "Zhang^XiaoDong", ideographic: "张^小东" },
    ],
    // A set of single bytes, behind another.
    ["ISO 2022 IR 100\\ISO 2022 IR 126", bytes("Buc\xe9^\x1b-F\xc4\xe9\xef"), { alphabetic: "Bucé^Διο" }],
  ])("%s", (charset, name, expected) => {
    expect(named(charset, name)).toEqual(expected);
  });

  test("a byte of a character that looks like a delimiter is none", () => {
    // GBK has 0x5c, the backslash, in its second bytes.
    expect(named("GBK", bytes("\x81\x5c^A"))).toEqual({
      alphabetic: `${new TextDecoder("gbk").decode(bytes("\x81\x5c"))}^A`,
    });
  });

  test("items have the set of what they are in, or one of their own", () => {
    const item = (...more: Element[]): Element[] => [...more, [0x00080104, "LO", bytes("\xc4")]];
    const { ProcedureCodeSequence } = dicomAttributes(
      file([
        [0x00080005, "CS", "ISO_IR 126"],
        [0x00081032, "SQ", [item(), item([0x00080005, "CS", "ISO_IR 100"])]],
      ]),
    );
    expect(ProcedureCodeSequence).toMatchObject([{ CodeMeaning: "Δ" }, { CodeMeaning: "Ä" }]);
  });
});

test.each(["implicit", "explicit", "bigEndian", "deflated"] as const)("values of an %s file", (syntax) => {
  const attributes = dicomAttributes(
    file(
      [
        ...picture({ columns: 2, rows: 1 }),
        [0x00080008, "CS", "DERIVED\\SECONDARY"],
        [0x00080020, "DA", ""],
        [0x00081115, "SQ", [[[0x0020000e, "UI", "2.25.4"]]]],
        [0x00091001, "LO", "of whoever made it"],
        [0x00104000, "LT", "one \\ text"],
        [0x00200013, "IS", "7"],
        [0x00280009, "AT", [0x00181063]],
        [0x00281050, "DS", "40\\-1.5e2"],
        [0x00281051, "DS", "wide"],
        pixels("OW", [1]),
      ],
      syntaxes[syntax],
    ),
  );
  expect(attributes).toMatchObject({
    TransferSyntaxUID: syntaxes[syntax],
    ImageType: ["DERIVED", "SECONDARY"],
    StudyDate: null,
    ReferencedSeriesSequence: [{ SeriesInstanceUID: "2.25.4" }],
    PatientComments: "one \\ text",
    InstanceNumber: 7,
    Rows: 1,
    FrameIncrementPointer: "00181063",
    WindowCenter: [40, -150],
    WindowWidth: "wide",
    PixelData: { byteLength: 2 },
  });
  expect(JSON.stringify(attributes)).not.toContain("whoever");
});
