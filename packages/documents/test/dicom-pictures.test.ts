import { describe, expect, test } from "vitest";
import { isDicom } from "../src/kinds/dicom/is-dicom.js";
import { readDicomFile } from "../src/kinds/dicom/dicom-file.js";
import { openDicom } from "../src/kinds/dicom/open-dicom.js";
import { dataSet, encapsulated, file, picture, pixels, syntaxes, type Element } from "./dicom/dicom-writer.js";
import { opened, options, samplesOf, shown, stored } from "./dicom/open.js";

const row = (count: number) => Array.from({ length: count }, (_, at) => at);
/** Sixteen numbers in one row, with or without a sign. */
const sixteen = (
  values: readonly number[],
  bits: 8 | 16,
  more: readonly Element[] = [],
  signed = false,
  stored: number = bits,
) =>
  file([
    ...picture({ columns: values.length, rows: 1, bits, stored, signed }, ...more),
    pixels("OW", bits === 16 ? values : pack(values)),
  ]);
/** Bytes as little endian words. */
const pack = (bytes: readonly number[]) =>
  Array.from({ length: Math.ceil(bytes.length / 2) }, (_, at) => bytes[2 * at]! | ((bytes[2 * at + 1] ?? 0) << 8));

describe("what a file is", () => {
  const bytes = sixteen([0, 255], 8);

  test("DICM behind the preamble wins, whatever the preamble looks like", () => {
    const both = bytes.slice();
    both.set([0x49, 0x49, 0x2a, 0x00, 0x08]);
    expect(isDicom(both)).toBe(true);
  });

  test("a data set without preamble is read", async () => {
    for (const explicit of [true, false]) {
      const bare = dataSet([...picture({ columns: 2, rows: 1 }), pixels("OW", [0xff00])], { explicit, little: true });
      expect(isDicom(bare)).toBe(true);
      expect(await samplesOf(new Uint8Array(bare))).toEqual([0, 255]);
    }
  });

  test.each([
    ["TIFF", [0x49, 0x49, 0x2a, 0x00, 0x08, 0x00, 0x00, 0x00]],
    ["PNG", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
    ["zeros", new Array<number>(8).fill(0)],
  ])("%s is none", (_, head) => {
    expect(isDicom(Uint8Array.from([...head, ...new Array<number>(132).fill(0)]))).toBe(false);
  });
});

describe("transfer syntaxes", () => {
  const values = [0, 1, 256, 0x7fff, 0x8000, 0xffff];
  const expected = values.map((value) => Math.round((value / 0xffff) * 255));
  const elements = [...picture({ columns: 3, rows: 2, bits: 16 }), pixels("OW", values)];

  test.each(["implicit", "explicit", "deflated", "bigEndian"] as const)("%s", async (name) => {
    expect(await samplesOf(file(elements, syntaxes[name]))).toEqual(expected);
  });

  test("bytes of big endian words change places", async () => {
    const bytes = file([...picture({ columns: 4, rows: 1 }), pixels("OW", [0x0201, 0x0403])], syntaxes.bigEndian);
    expect(await samplesOf(bytes)).toEqual([1, 2, 3, 4]);
  });

  test("a deflated data set does not inflate past the budgets", async () => {
    const bytes = file(
      [...picture({ columns: 2, rows: 1 }), [0x00204000, "UT", "A".repeat(70_000_000)]],
      syntaxes.deflated,
    );
    await expect(openDicom(bytes, { ...options, maxPixels: 10, maxPages: 1 })).rejects.toMatchObject({
      code: "DOCUMENT_TOO_LARGE",
    });
  });

  test("a video, and a private syntax, say what to do", async () => {
    for (const uid of ["1.2.840.10008.1.2.4.102", "1.2.3.4"]) {
      await expect(opened(file(elements, uid))).rejects.toMatchObject({
        code: "DOCUMENT_UNSUPPORTED",
        message: expect.stringMatching(/export|convert/) as string,
      });
    }
  });
});

describe("grey", () => {
  test("an 8-bit capture is shown as it is", async () => {
    expect(await samplesOf(sixteen([10, 20, 200], 8))).toEqual([10, 20, 200]);
  });

  test("MONOCHROME1 is turned", async () => {
    const elements = picture({ columns: 2, rows: 1, photometric: "MONOCHROME1" });
    expect(await samplesOf(file([...elements, pixels("OW", [0xf00a])]))).toEqual([245, 15]);
  });

  test("rescale and window", async () => {
    const more: Element[] = [
      [0x00281050, "DS", "40"],
      [0x00281051, "DS", "401"],
      [0x00281052, "DS", "-1024"],
      [0x00281053, "DS", "1"],
    ];
    // Hounsfield -200, 39.5 is the middle, 240.
    const values = [0, 824, 1063, 1064, 1264, 2000];
    const shade = (hounsfield: number) => Math.round(Math.min(1, Math.max(0, (hounsfield - 39.5) / 400 + 0.5)) * 255);
    expect(await samplesOf(sixteen(values, 16, more))).toEqual(values.map((value) => shade(value - 1024)));
  });

  test.each([
    ["LINEAR_EXACT", (value: number) => Math.min(1, Math.max(0, (value - 100) / 50 + 0.5))],
    ["SIGMOID", (value: number) => 1 / (1 + Math.exp((-4 * (value - 100)) / 50))],
  ])("%s", async (name, formula) => {
    const more: Element[] = [
      [0x00281050, "DS", "100"],
      [0x00281051, "DS", "50"],
      [0x00281056, "CS", name],
    ];
    const values = [0, 60, 75, 90, 100, 110, 125, 200];
    expect(await samplesOf(sixteen(values, 16, more))).toEqual(values.map((value) => Math.round(formula(value) * 255)));
  });

  test("a window of width 1 cuts in two, and one of width 0 is none", async () => {
    const window = (width: string): Element[] => [
      [0x00281050, "DS", "5"],
      [0x00281051, "DS", width],
    ];
    expect(await samplesOf(sixteen([3, 4, 5, 7], 16, window("1")))).toEqual([0, 0, 255, 255]);
    expect(await samplesOf(sixteen([3, 5, 7], 16, window("0")))).toEqual([0, 128, 255]);
  });

  test("a table of the modality, then one of the eye", async () => {
    const more: Element[] = [
      [
        0x00283000,
        "SQ",
        [
          [
            [0x00283002, "US", [4, 10, 16]],
            [0x00283006, "OW", [100, 200, 300, 400]],
          ],
        ],
      ],
      [
        0x00283010,
        "SQ",
        [
          [
            [0x00283002, "US", [3, 200, 8]],
            [0x00283006, "OW", [0, 51, 255]],
          ],
        ],
      ],
      [0x00281050, "DS", "0"],
      [0x00281051, "DS", "2"],
    ];
    // 200 is the first number of the second table: 100 lies below it, 300 and 400 above its last.
    expect(await samplesOf(sixteen([9, 10, 11, 12, 14], 16, more))).toEqual([0, 0, 0, 255, 255]);
  });

  test("a table of the eye begins below zero, though stored numbers have no sign", async () => {
    const more: Element[] = [
      [0x00281052, "DS", "-1024"],
      [0x00281053, "DS", "1"],
      [
        0x00283010,
        "SQ",
        [
          [
            [0x00283002, "SS", [3, -1, 8]],
            [0x00283006, "OW", [0, 51, 255]],
          ],
        ],
      ],
    ];
    expect(await samplesOf(sixteen([1000, 1023, 1024, 1025, 2000], 16, more))).toEqual([0, 0, 51, 255, 255]);
  });

  test("numbers with a sign, and bits beside them", async () => {
    // 12 bits of 16: the upper four hold something else.
    const values = [0xf800, 0x1000, 0x27ff].map((cell) => cell);
    expect(await samplesOf(sixteen(values, 16, [], true, 12))).toEqual([0, 128, 255]);
  });

  test("padding is black and does not count", async () => {
    const more: Element[] = [[0x00280120, "SS", [-2000]]];
    expect(await samplesOf(sixteen([-2000, 100, 200, 300], 16, more, true))).toEqual([0, 0, 128, 255]);
  });

  test("floats, infinite ones and no numbers among them", async () => {
    const elements = picture({ columns: 5, rows: 1, bits: 32 });
    for (const [tag, vr] of [
      [0x7fe00008, "OF"],
      [0x7fe00009, "OD"],
    ] as const) {
      const bytes = file([...elements, [tag, vr, [-1, 0, 1, Infinity, NaN]]]);
      expect(await samplesOf(bytes)).toEqual([0, 128, 255, 255, 0]);
    }
  });

  test("32 bits", async () => {
    const bytes = file([
      ...picture({ columns: 3, rows: 1, bits: 32 }),
      [0x7fe00010, "OW", new Uint8Array(Uint32Array.of(0, 2 ** 31, 2 ** 32 - 1).buffer)],
    ]);
    expect(await samplesOf(bytes)).toEqual([0, 128, 255]);
  });

  test("single bits run on over frames", async () => {
    // Three frames of five bits: 10110 01001 11100, the lowest bit first.
    const bits = [1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 1, 1, 1, 0, 0];
    const word = bits.reduce((sum, bit, at) => sum + bit * 2 ** at, 0);
    for (const syntax of [syntaxes.explicit, syntaxes.bigEndian]) {
      const bytes = file(
        [...picture({ columns: 5, rows: 1, bits: 1 }, [0x00280008, "IS", "3"]), pixels("OW", [word])],
        syntax,
      );
      for (const frame of [0, 1, 2]) {
        expect(await samplesOf(bytes, frame + 1)).toEqual(bits.slice(frame * 5, frame * 5 + 5).map((bit) => bit * 255));
      }
    }
  });
});

describe("frames", () => {
  const frames = (...more: Element[]) =>
    file([
      ...picture({ columns: 2, rows: 1, bits: 16 }, [0x00280008, "IS", "2"], ...more),
      pixels("OW", [0, 100, 200, 400]),
    ]);

  test("each is a page, with what is said for it alone", async () => {
    const window = (center: string, width: string): Element => [
      0x00289132,
      "SQ",
      [
        [
          [0x00281050, "DS", center],
          [0x00281051, "DS", width],
        ],
      ],
    ];
    const bytes = frames(
      [
        0x52009229,
        "SQ",
        [
          [
            [
              0x00289145,
              "SQ",
              [
                [
                  [0x00281052, "DS", "10"],
                  [0x00281053, "DS", "2"],
                ],
              ],
            ],
          ],
        ],
      ],
      [0x52009230, "SQ", [[window("110.5", "201")], [window("610.5", "401")]]],
    );
    const document = await opened(bytes);
    expect(document.pageCount).toBe(2);
    // 10 and 210 of 10..210; 410 and 810 of 410..810.
    expect(await samplesOf(bytes, 1)).toEqual([0, 255]);
    expect(await samplesOf(bytes, 2)).toEqual([0, 255]);
    expect((await document.page(2)).dicom).toEqual({
      modality: "OT",
      transferSyntax: syntaxes.explicit,
      photometric: "MONOCHROME2",
      burnedIn: undefined,
      frame: 2,
    });
  });

  test("fragments belong to frames by the table of offsets, and without one by how they begin", async () => {
    const { dataSet: source } = readDicomFile(stored("jpeg-ls"), 0);
    const { offset, length } = source.get(0x7fe00010)!.fragments![1]!;
    const stream = source.bytes.subarray(offset, offset + length);
    const parts = [stream.subarray(0, 500), stream.subarray(500), stream.subarray(0, 40), stream.subarray(40)];
    const expected = await samplesOf(stored("jpeg-ls"));
    // None, the right ones, and ones that are none.
    for (const offsets of [[], [12, 34], [0, 500 + 8 + (length - 500) + 8]]) {
      const bytes = file(
        picture({ columns: 32, rows: 32, bits: 16 }, [0x00280008, "IS", "2"]),
        syntaxes.jpegLs,
        encapsulated(parts, offsets),
      );
      expect(await samplesOf(bytes, 1)).toEqual(expected);
      expect(await samplesOf(bytes, 2)).toEqual(expected);
    }
  });

  test("a table of offsets of 64 bits does not lose the place", async () => {
    const bytes = frames([0x7fe00001, "OV", [0, 4]]);
    expect(await samplesOf(bytes, 2)).toEqual([0, 255]);
  });

  test("one that is cut short is said by its number, the others are shown", async () => {
    const bytes = file([...picture({ columns: 2, rows: 1 }, [0x00280008, "IS", "3"]), pixels("OW", [0x0201, 0x0403])]);
    expect(await samplesOf(bytes, 2)).toEqual([3, 4]);
    await expect((await opened(bytes)).page(3)).rejects.toMatchObject({
      code: "DOCUMENT_DECODE",
      message: expect.stringContaining("frame 3") as string,
    });
  });
});

describe("colours", () => {
  const colour = (photometric: string, values: readonly number[], ...more: Element[]) =>
    file([...picture({ columns: 2, rows: 1, samples: 3, photometric }, ...more), pixels("OB", values)]);

  test("RGB, each pixel's or each colour's samples together", async () => {
    expect(await samplesOf(colour("RGB", [1, 2, 3, 4, 5, 6]))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await samplesOf(colour("RGB", [1, 4, 2, 5, 3, 6], [0x00280006, "US", [1]]))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("YBR_FULL, and YBR_FULL_422 where two pixels share their colour", async () => {
    // Pure red and pure green by ITU-R BT.601.
    expect(await samplesOf(colour("YBR_FULL", [76, 85, 255, 150, 44, 21]))).toEqual([254, 0, 0, 0, 255, 1]);
    expect(await samplesOf(colour("YBR_FULL_422", [76, 150, 128, 128]))).toEqual([76, 76, 76, 150, 150, 150]);
  });

  test("16 bits", async () => {
    const bytes = file([...picture({ columns: 1, rows: 1, bits: 16, samples: 3 }), pixels("OW", [0, 0x8000, 0xffff])]);
    expect(await samplesOf(bytes)).toEqual([0, 128, 255]);
  });

  const palette = (channel: number, values: readonly number[], bits = 16): Element[] => [
    [0x00281101 + channel, "US", [values.length, 0, bits]],
    [0x00281201 + channel, "OW", values],
  ];

  test("a palette", async () => {
    const more = [...palette(0, [0x0100, 0x0200]), ...palette(1, [0x0300, 0x0400]), ...palette(2, [0x0500, 0xff00])];
    const bytes = file([
      ...picture({ columns: 3, rows: 1, photometric: "PALETTE COLOR" }, ...more),
      pixels("OW", [0x0100, 0x0009]),
    ]);
    expect(await samplesOf(bytes)).toEqual([1, 3, 5, 2, 4, 255, 2, 4, 255]);
    expect(
      await samplesOf(
        file(
          [...picture({ columns: 2, rows: 1, photometric: "PALETTE COLOR" }, ...more), pixels("OW", [0x0001])],
          syntaxes.bigEndian,
        ),
      ),
    ).toEqual([2, 4, 255, 1, 3, 5]);
  });

  test("a palette in segments", async () => {
    // Two as they are, four on the way to 0x6000, and the first segment once more: byte 0, one segment.
    const segments = [0, 2, 0x0000, 0x2000, 1, 4, 0x6000, 2, 1, 0, 0];
    const more: Element[] = [0, 1, 2].flatMap((channel): Element[] => [
      [0x00281101 + channel, "US", [8, 0, 16]],
      [0x00281221 + channel, "OW", segments],
    ]);
    const bytes = file([
      ...picture({ columns: 8, rows: 1, photometric: "PALETTE COLOR" }, ...more),
      pixels("OW", pack(row(8))),
    ]);
    const { data } = await shown(bytes);
    expect(row(8).map((at) => data[at * 3])).toEqual([0, 0x20, 0x30, 0x40, 0x50, 0x60, 0, 0x20]);
  });

  test("a grey picture some of whose numbers are colours", async () => {
    const more: Element[] = [
      [0x00089205, "CS", "COLOR"],
      [0x00281101, "US", [2, 100, 16]],
      [0x00281102, "US", [2, 100, 16]],
      [0x00281103, "US", [2, 100, 16]],
      [0x00281201, "OW", [0xff00, 0x0100]],
      [0x00281202, "OW", [0x0000, 0x0200]],
      [0x00281203, "OW", [0x0000, 0x0300]],
    ];
    expect(await samplesOf(sixteen([7, 100, 101, 255], 8, more))).toEqual([7, 7, 7, 255, 0, 0, 1, 2, 3, 1, 2, 3]);
  });
});

describe("overlays", () => {
  const plane = (...more: Element[]): Element[] => [
    [0x60000010, "US", [2]],
    [0x60000011, "US", [3]],
    [0x60000040, "CS", "G"],
    [0x60000050, "SS", [1, 1]],
    [0x60000100, "US", [1]],
    [0x60000102, "US", [0]],
    ...more,
  ];
  const grey = (more: readonly Element[], bits: 8 | 16 = 8, stored: number = bits) =>
    file([
      ...picture({ columns: 3, rows: 2, bits, stored }, ...more),
      pixels("OW", bits === 8 ? pack([9, 9, 9, 9, 9, 9]) : row(6).map((at) => (at % 2 ? 0x8000 : 0) + at)),
    ]);

  test("are drawn in white", async () => {
    expect(await samplesOf(grey(plane([0x60003000, "OW", [0b100010]])))).toEqual([9, 255, 9, 9, 9, 255]);
  });

  test("lie where they say, also partly outside", async () => {
    const elements = plane([0x60003000, "OW", [0b111111]]).map((one): Element =>
      one[0] === 0x60000050 ? [one[0], "SS", [2, -1]] : one,
    );
    expect(await samplesOf(grey(elements))).toEqual([9, 9, 9, 255, 9, 9]);
  });

  test("are found in bits that the samples do not use", async () => {
    const elements = plane().map((one): Element => {
      if (one[0] === 0x60000100) return [one[0], "US", [16]];
      return one[0] === 0x60000102 ? [one[0], "US", [15]] : one;
    });
    expect(await samplesOf(grey(elements, 16, 12))).toEqual([0, 255, 102, 255, 204, 255]);
  });
});

describe("sizes", () => {
  const spaced = (...more: Element[]) =>
    file([...picture({ columns: 2, rows: 2 }, ...more), pixels("OW", pack([0, 100, 100, 200]))]);

  test("pixels are made square by getting more of them", async () => {
    const { width, height, data } = await shown(spaced([0x00280034, "IS", "2\\1"]));
    expect([width, height]).toEqual([2, 4]);
    expect([...data]).toEqual([0, 100, 25, 125, 75, 175, 100, 200]);
    const wide = await shown(spaced([0x00280030, "DS", "1\\2"]));
    expect([wide.width, wide.height]).toEqual([4, 2]);
  });

  test("a scan has a size, a captured screen has none", async () => {
    const scan = await (await opened(spaced([0x00182010, "DS", "12.7\\12.7"]))).page(1);
    expect(scan.size).toEqual({ width: 72, height: 72 });
    const capture = await (await opened(spaced([0x00280030, "DS", "1\\1"]))).page(1);
    expect(capture.size).toBeUndefined();
    const body = await (
      await opened(spaced([0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2"], [0x00280030, "DS", "12.7\\12.7"]))
    ).page(1);
    expect(body.size).toEqual({ width: 72, height: 72 });
  });

  test("square pixels count against the budget", async () => {
    const document = await opened(spaced([0x00280034, "IS", "9\\1"]), { maxPixels: 20 });
    await expect(document.page(1)).rejects.toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
  });
});

test("an encapsulated PDF is given to whoever reads PDF", async () => {
  const pdf = Buffer.from("%PDF-1.4\n%%EOF\n");
  const bytes = file([
    [0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.104.1"],
    [0x00420011, "OB", pdf],
    [0x00420012, "LO", "application/pdf"],
    [0x00420015, "UL", [pdf.length]],
  ]);
  const document = await openDicom(bytes, options);
  expect("embedded" in document && Buffer.from(document.embedded).toString()).toBe(pdf.toString());
});

test("burnt-in text is told, and nothing that is no code", async () => {
  const bytes = sixteen([1, 2], 8, [
    [0x00280301, "CS", "YES"],
    [0x00080060, "CS", "Example^Name"],
  ]);
  const { dicom } = await (await opened(bytes)).page(1);
  expect(dicom).toMatchObject({ burnedIn: true, modality: undefined });
});
