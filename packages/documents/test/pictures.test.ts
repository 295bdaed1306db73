import sharp, { type Sharp } from "sharp";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { DecodedPage } from "../src/kinds/open-document.js";
import { colourAt, faultOf, opened, pageOf, pixelsOf, quarters, stored } from "./support/opened.js";
import { writeTiff, type Fields, type WrittenTiffPage } from "./support/tiff-writer.js";

afterEach(() => vi.restoreAllMocks());

const WIDTH = 48;
const HEIGHT = 32;
const upright = ["red", "green", "blue", "white"];

/** The colours of the quarters, by rows from the upper left one. */
function coloured(width: number, height: number, order = [0, 1, 2, 3]): Uint8Array {
  const colours = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 255],
  ];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const quarter = (y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1);
      data.set(colours[order[quarter]!]!, (y * width + x) * 3);
    }
  }
  return data;
}

const colours = (fields: Fields = {}): WrittenTiffPage => ({
  width: WIDTH,
  height: HEIGHT,
  samples: 3,
  data: coloured(WIDTH, HEIGHT),
  fields,
});

const withDensity = (x: number, y: number, unit = 2): Fields => ({
  282: { rational: x },
  283: { rational: y },
  296: unit,
});

describe("faxes", () => {
  /** As in files/pictures/make_files.py. */
  const isBlack = (x: number, y: number, page: number) =>
    (Math.floor(x / 8) + Math.floor(y / 4) * (page + 1)) % 3 === 0;

  function expectStripes(page: DecodedPage, height: number, number: number): void {
    const picture = pixelsOf(page);
    expect(picture.width).toBe(96);
    for (let x = 4; x < 96; x += 8) {
      for (let y = 2; y < height; y += 4) {
        const shown = colourAt(picture, x, Math.floor(((y + 0.5) * picture.height) / height))[0]! < 128;
        expect(shown, `${x}, ${y}`).toBe(isBlack(x, y, number - 1));
      }
    }
  }

  test.each(["fax-g3-1d", "fax-g3-2d", "fax-g4"])("%s: pages of different heights", async (name) => {
    const document = await opened(stored(`pictures/${name}.tif`));
    expect(document).toMatchObject({ kind: "tiff", pageCount: 3 });
    for (const number of [3, 1, 2]) expectStripes(await document.page(number), [40, 64, 52][number - 1]!, number);
    document.close();
  });

  test("a standard fax of 204 x 98 comes out at its full height", async () => {
    const page = await pageOf(stored("pictures/fax-standard.tif"));
    expect(page.picture).toMatchObject({ width: 96, height: 83 });
    expect(page.size!.width).toBeCloseTo((96 / 204) * 72, 3);
    expect(page.size!.height).toBeCloseTo((40 / 98) * 72, 3);
    expectStripes(page, 40, 1);
  });

  test("a fine one of 204 x 196 is stretched by as much as it is narrow", async () => {
    expect((await pageOf(stored("pictures/fax-g3-1d.tif"))).picture).toMatchObject({ width: 96, height: 42 });
  });
});

describe("TIFF", () => {
  test.each(["lzw", "zip", "packbits", "jpeg", "tiles-planes"])("compression %s", async (name) => {
    const page = await pageOf(stored(`pictures/colours-${name}.tif`));
    expect(page.picture).toMatchObject({ width: WIDTH, height: HEIGHT, channels: 3 });
    expect(quarters(pixelsOf(page))).toEqual(upright);
  });

  test("old-style JPEG", async () => {
    const page = await pageOf(stored("pictures/old-style-jpeg.tif"));
    expect(page.picture).toMatchObject({ width: WIDTH, height: HEIGHT });
    expect(quarters(pixelsOf(page))).toEqual(upright);
  });

  test.each(["zstd", "lzma"])("compression %s is refused by name", async (name) => {
    expect(await faultOf(pageOf(stored(`pictures/colours-${name}.tif`)))).toMatchObject({
      code: "DOCUMENT_UNSUPPORTED",
      message: expect.stringContaining("save it as PNG or JPEG") as string,
    });
  });

  test("tags of a scanner that nobody knows, or of odd types", async () => {
    const odd: Fields = {
      // Private ones, PageNumber as LONG, Software without a zero at its end, SampleFormat once for three samples.
      269: { ascii: "no zero" },
      297: 0,
      305: { ascii: "Scan\xff" },
      339: [1],
      34_022: [1, 2, 3],
      65_000: 7,
    };
    expect(quarters(pixelsOf(await pageOf(writeTiff([colours(odd)]))))).toEqual(upright);
  });

  /** TIFF 6.0: where the stored first row and column are. Here: what is stored, so that the upright page is the same. */
  const storedAs = {
    1: [0, 1, 2, 3],
    2: [1, 0, 3, 2],
    3: [3, 2, 1, 0],
    4: [2, 3, 0, 1],
    5: [0, 2, 1, 3],
    6: [1, 3, 0, 2],
    7: [3, 1, 2, 0],
    8: [2, 0, 3, 1],
  };
  const turns = { 1: 0, 2: 0, 3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270 };

  test.each([1, 2, 3, 4, 5, 6, 7, 8] as const)("orientation %i", async (orientation) => {
    const turned = orientation >= 5;
    const [width, height] = turned ? [HEIGHT, WIDTH] : [WIDTH, HEIGHT];
    const fields = { 274: orientation, ...withDensity(turned ? 50 : 100, turned ? 100 : 50) };
    const data = coloured(width, height, storedAs[orientation]);
    const page = await pageOf(writeTiff([{ width, height, samples: 3, data, fields }]));
    expect(quarters(pixelsOf(page))).toEqual(upright);
    // Pixels that are not square: the upright page has 100 an inch across, and half of that down.
    expect(page.picture).toMatchObject({ width: WIDTH, height: 2 * HEIGHT });
    expect(page.size).toEqual({ width: (WIDTH / 100) * 72, height: (HEIGHT / 50) * 72 });
    expect(page.rotation).toBe(turns[orientation]);
  });

  test("small copies and masks are no pages", async () => {
    const small = { width: 12, height: 8, data: new Uint8Array(96) };
    const bytes = writeTiff([
      colours({ 254: 2 }),
      { ...small, fields: { 254: 1 } },
      { ...small, fields: { 254: 4 } },
      colours({ 254: 2 }),
      { ...small, fields: { 254: 5 } },
    ]);
    const document = await opened(bytes);
    expect(document.pageCount).toBe(2);
    for (const number of [2, 1]) expect(quarters(pixelsOf(await document.page(number)))).toEqual(upright);
  });

  test("one that calls itself a copy, and is alone, is a page", async () => {
    const document = await opened(writeTiff([colours({ 254: 1 })]));
    expect(document.pageCount).toBe(1);
    expect(quarters(pixelsOf(await document.page(1)))).toEqual(upright);
  });

  test("BigTIFF", async () => {
    const bytes = writeTiff([colours(withDensity(100, 100)), colours({ 274: 3 })], { big: true });
    const document = await opened(bytes);
    expect(document.pageCount).toBe(2);
    expect(quarters(pixelsOf(await document.page(1)))).toEqual(upright);
    const turned = await document.page(2);
    expect(turned.rotation).toBe(180);
    expect(quarters(pixelsOf(turned))).toEqual(upright.toReversed());
  });

  test("grey of 16 bits, of either polarity", async () => {
    const data = new Uint8Array(256 * 2);
    for (let x = 0; x < 256; x++) new DataView(data.buffer).setUint16(x * 2, x * 257, true);
    const page = { width: 256, height: 1, bits: 16, data };
    const ramp = [...pixelsOf(await pageOf(writeTiff([page]))).data];
    expect(ramp).toEqual(Array.from({ length: 256 }, (_, x) => x));
    const inverted = [...pixelsOf(await pageOf(writeTiff([{ ...page, fields: { 262: 0 } }]))).data];
    expect(inverted).toEqual(ramp.toReversed());
  });

  test("32 bits unsigned are a whole range, 8 bits are never signed", async () => {
    const data = new Uint8Array(new Uint32Array([0, 0x80808080, 0xffffffff]).buffer);
    expect([...pixelsOf(await pageOf(writeTiff([{ width: 3, height: 1, bits: 32, data }]))).data]).toEqual([
      0, 128, 255,
    ]);
    const bytes = { width: 4, height: 1, data: Uint8Array.of(0, 127, 128, 255), fields: { 339: [2] } };
    const document = await opened(writeTiff([colours(), bytes]));
    expect([...pixelsOf(await document.page(2)).data]).toEqual([0, 127, 128, 255]);
    expect(quarters(pixelsOf(await document.page(1)))).toEqual(upright);
  });

  test.each([false, true])(
    "no photometric interpretation: black is 0, white is 0 of faxes (BigTIFF: %s)",
    async (big) => {
      const grey = { width: 2, height: 1, data: Uint8Array.of(0, 255), photometric: false };
      expect([...pixelsOf(await pageOf(writeTiff([grey], { big }))).data]).toEqual([0, 255]);
      const rgb = { ...colours(), photometric: false };
      expect(quarters(pixelsOf(await pageOf(writeTiff([rgb], { big }))))).toEqual(upright);
      // Group 4: end of data alone, so that all is of the colour of 0.
      const fax = {
        width: 8,
        height: 1,
        bits: 1,
        data: Uint8Array.of(0x80, 0x01, 0x00, 0x10),
        fields: { 259: 4 },
        photometric: false,
      };
      expect([...pixelsOf(await pageOf(writeTiff([fax], { big }))).data]).toEqual(Array<number>(8).fill(255));
    },
  );

  test("Lab, with the white of D50", async () => {
    // L* 50, a* -30 and b* 40 (as signed bytes), of which LittleCMS makes 80, 132, 44; L* 100 is white.
    const lab = { width: 2, height: 1, samples: 3, data: Uint8Array.of(128, 226, 40, 255, 0, 0), fields: { 262: 8 } };
    const [r, g, b, ...white] = pixelsOf(await pageOf(writeTiff([lab]))).data;
    for (const [seen, expected] of [
      [r, 80],
      [g, 132],
      [b, 44],
    ])
      expect(Math.abs(seen! - expected!)).toBeLessThanOrEqual(2);
    expect(white).toEqual([255, 255, 255]);
  });

  test("densities in centimetres, and those that are none", async () => {
    const centimetres = await pageOf(writeTiff([colours(withDensity(40, 40, 3))]));
    expect(centimetres.size!.width).toBeCloseTo((WIDTH / 101.6) * 72, 3);
    expect((await pageOf(writeTiff([colours(withDensity(1, 2, 1))]))).size).toBeUndefined();
    expect((await pageOf(writeTiff([colours()]))).size).toBeUndefined();
  });

  test("a size beyond maxPixels is refused before anything is decoded", async () => {
    const huge = { width: 60_000, height: 60_000, data: new Uint8Array(16), bits: 1, fields: { 278: 60_000 } };
    const document = await opened(writeTiff([huge, colours()]));
    expect(await faultOf(document.page(1))).toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
    expect(quarters(pixelsOf(await document.page(2)))).toEqual(upright);
    // By the stretch, too.
    const narrow = writeTiff([
      { width: 500, height: 500, data: new Uint8Array(250_000), fields: withDensity(600, 100) },
    ]);
    expect((await pageOf(narrow, 1, { maxPixels: 1_500_000 })).picture).toMatchObject({ width: 500, height: 3000 });
    expect(await faultOf(pageOf(narrow, 1, { maxPixels: 1_499_999 }))).toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
  });

  test("more pages than maxPages", async () => {
    const bytes = writeTiff([colours(), colours(), colours()]);
    expect(await faultOf(opened(bytes, { maxPages: 2 }))).toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
    expect((await opened(bytes, { maxPages: 3 })).pageCount).toBe(3);
  });

  test("directories in a circle end", async () => {
    const bytes = Buffer.from(writeTiff([colours(), colours()]));
    bytes.writeUInt32LE(bytes.readUInt32LE(4), bytes.length - 4);
    expect((await opened(bytes)).pageCount).toBe(2);
  });

  test("cut short: a fault, of the page alone where others are whole", async () => {
    const whole = writeTiff([colours(), colours()]);
    for (let length = 4; length < 8; length++) {
      expect(await faultOf(opened(whole.subarray(0, length)))).toMatchObject({ code: "DOCUMENT_DECODE" });
    }
    const fault = await faultOf(pageOf(stored("pictures/colours-zip.tif").subarray(0, 60)));
    expect(fault.code).toBe("DOCUMENT_DECODE");
    const dangling = Buffer.from(writeTiff([colours({ 273: 10_000_000 }), colours()]));
    const document = await opened(dangling);
    expect(await faultOf(document.page(1))).toMatchObject({ code: "DOCUMENT_DECODE" });
    expect(quarters(pixelsOf(await document.page(2)))).toEqual(upright);
  });
});

describe("HEIC", () => {
  test("a turn that container and EXIF both tell is made once", async () => {
    const page = await pageOf(stored("pictures/turned.heic"));
    expect(page.picture).toMatchObject({ width: 128, height: 96 });
    expect(quarters(pixelsOf(page))).toEqual(upright);
  });

  test("several pictures are pages, the primary one first", async () => {
    const document = await opened(stored("pictures/two.heic"));
    expect(document).toMatchObject({ kind: "heic", pageCount: 2 });
    expect((await document.page(1)).picture).toMatchObject({ width: 96, height: 128 });
    expect((await document.page(2)).picture).toMatchObject({ width: 128, height: 96 });
    expect(quarters(pixelsOf(await document.page(2)))).toEqual(upright);
    document.close();
  });

  test("one that is cut short is refused, wherever that was", async () => {
    // libheif prints what it misses; readers' decoders have nowhere to print.
    vi.spyOn(console, "log").mockImplementation(() => {});
    const whole = stored("pictures/turned.heic");
    for (const length of [...Array(67).keys()].map((step) => 32 + 13 * step).concat(whole.length - 1)) {
      expect(await faultOf(pageOf(whole.subarray(0, length))), String(length)).toMatchObject({
        code: "DOCUMENT_DECODE",
      });
    }
  });

  test("maxPixels and maxPages", async () => {
    const bytes = stored("pictures/two.heic");
    expect(await faultOf(opened(bytes, { maxPages: 1 }))).toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
    expect(await faultOf(pageOf(bytes, 1, { maxPixels: 12_287 }))).toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
    expect((await pageOf(bytes, 1, { maxPixels: 12_288 })).picture).toMatchObject({ width: 96 });
  });
});

describe("WebP, AVIF, GIF, PNG, JPEG", () => {
  const picture = (): Sharp =>
    sharp(coloured(WIDTH, HEIGHT), { raw: { width: WIDTH, height: HEIGHT, channels: 3 } }).withMetadata({
      density: 96,
    });

  test.each([
    ["webp", () => picture().webp({ lossless: true })],
    ["avif", () => picture().avif({ lossless: true, chromaSubsampling: "4:4:4" })],
  ] as const)("%s is decoded", async (kind, encode) => {
    const bytes = await encode().toBuffer();
    expect(await opened(bytes)).toMatchObject({ kind, pageCount: 1 });
    const page = await pageOf(bytes);
    expect(page.picture).toMatchObject({ width: WIDTH, height: HEIGHT });
    expect(quarters(pixelsOf(page))).toEqual(upright);
    expect(await faultOf(pageOf(bytes, 1, { maxPixels: 100 }))).toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
    expect(await faultOf(pageOf(bytes.subarray(0, bytes.length / 2)))).toMatchObject({ code: "DOCUMENT_DECODE" });
  });

  test.each([
    ["jpeg", () => picture().jpeg()],
    ["png", () => picture().png()],
    ["gif", () => picture().gif()],
  ] as const)("%s stays as it is", async (kind, encode) => {
    const bytes = await encode().toBuffer();
    const document = await opened(bytes);
    expect(document).toMatchObject({ kind, pageCount: 1 });
    const page = await document.page(1);
    expect(page.picture).toEqual({ encoded: bytes, width: WIDTH, height: HEIGHT });
    if (kind !== "gif") expect(page.size!.width).toBeCloseTo((WIDTH / 96) * 72, 0);
    expect(await faultOf(opened(bytes, { maxPixels: 100 }))).toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
  });

  test("a photo on its side: upright width and height, and its turn", async () => {
    const bytes = await picture().withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const page = await pageOf(bytes);
    expect(page).toMatchObject({ picture: { width: HEIGHT, height: WIDTH }, rotation: 90 });
  });

  test("a WebP on its side comes upright", async () => {
    const bytes = await picture().withMetadata({ orientation: 6 }).webp({ lossless: true }).toBuffer();
    const page = await pageOf(bytes);
    expect(page).toMatchObject({ picture: { width: HEIGHT, height: WIDTH }, rotation: 90 });
    expect(quarters(pixelsOf(page))).toEqual(["blue", "red", "white", "green"]);
  });

  test("the frames of an animation are pages", async () => {
    const frames = Buffer.concat([coloured(WIDTH, HEIGHT), coloured(WIDTH, HEIGHT, [3, 2, 1, 0])]);
    const bytes = await sharp(frames, { raw: { width: WIDTH, height: 2 * HEIGHT, channels: 3, pageHeight: HEIGHT } })
      .webp({ lossless: true })
      .toBuffer();
    const document = await opened(bytes);
    expect(document.pageCount).toBe(2);
    expect(quarters(pixelsOf(await document.page(2)))).toEqual(upright.toReversed());
    expect(quarters(pixelsOf(await document.page(1)))).toEqual(upright);
    expect(await faultOf(opened(bytes, { maxPages: 1 }))).toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
  });

  test("what is transparent is white", async () => {
    const bytes = await sharp({
      create: { width: 8, height: 8, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    })
      .webp({ lossless: true })
      .toBuffer();
    expect(colourAt(pixelsOf(await pageOf(bytes)), 4, 4)).toEqual([255, 255, 255]);
  });
});

describe("BMP", () => {
  /** With a palette of red, green, blue and white. */
  function bmp(width: number, height: number, bits: number, compression: number, data: readonly number[]): Buffer {
    const head = Buffer.alloc(54 + 16);
    head.write("BM", "latin1");
    head.writeUInt32LE(head.length + data.length, 2);
    head.writeUInt32LE(head.length, 10);
    head.writeUInt32LE(40, 14);
    head.writeInt32LE(width, 18);
    head.writeInt32LE(height, 22);
    head.writeUInt16LE(1, 26);
    head.writeUInt16LE(bits, 28);
    head.writeUInt32LE(compression, 30);
    head.writeUInt32LE(data.length, 34);
    head.writeInt32LE(3937, 38);
    head.writeInt32LE(3937, 42);
    head.writeUInt32LE(4, 46);
    head.set([0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0], 54);
    return Buffer.concat([head, Buffer.from(data)]);
  }

  /** Eight by four, from the lowest row: runs, and one row of single pixels. */
  const rows = {
    RLE8: [4, 2, 4, 3, 0, 0, 0, 8, 2, 2, 2, 2, 3, 3, 3, 3, 0, 0, 4, 0, 4, 1, 0, 0, 4, 0, 4, 1, 0, 1],
    RLE4: [4, 0x22, 4, 0x33, 0, 0, 0, 8, 0x22, 0x22, 0x33, 0x33, 0, 0, 4, 0x00, 4, 0x11, 0, 0, 4, 0x00, 4, 0x11, 0, 1],
  };

  test.each([
    ["RLE8", 8, 1],
    ["RLE4", 4, 2],
  ] as const)("%s", async (name, bits, compression) => {
    const bytes = bmp(8, 4, bits, compression, rows[name]);
    expect(await opened(bytes)).toMatchObject({ kind: "bmp", pageCount: 1 });
    const page = await pageOf(bytes);
    expect(page.picture).toMatchObject({ width: 8, height: 4 });
    expect(quarters(pixelsOf(page))).toEqual(upright);
    expect(page.size!.width).toBeCloseTo((8 / 100) * 72, 2);
  });

  test("a fourth byte without a meaning, and headers of OS/2", async () => {
    const pixel = (b: number, g: number, r: number) => [b, g, r, 0];
    const [red, green, blue, white] = [pixel(0, 0, 255), pixel(0, 255, 0), pixel(255, 0, 0), pixel(255, 255, 255)];
    const wide = [...blue, ...blue, ...white, ...white, ...red, ...red, ...green, ...green];
    expect(quarters(pixelsOf(await pageOf(bmp(4, 2, 32, 0, wide))))).toEqual(upright);
    const plain = bmp(8, 4, 8, 1, rows.RLE8);
    const os2 = Buffer.concat([plain.subarray(0, 54), Buffer.alloc(24), plain.subarray(54)]);
    os2.writeUInt32LE(plain.readUInt32LE(10) + 24, 10);
    os2.writeUInt32LE(64, 14);
    expect(quarters(pixelsOf(await pageOf(os2)))).toEqual(upright);
    // Huffman's code, which OS/2 alone has.
    os2.writeUInt32LE(3, 30);
    expect(await faultOf(pageOf(os2))).toMatchObject({ code: "DOCUMENT_UNSUPPORTED" });
  });

  test("a wrong size of the file in the header, and wrong planes", async () => {
    const bytes = bmp(8, 4, 8, 1, rows.RLE8);
    bytes.writeUInt32LE(3, 2);
    bytes.writeUInt16LE(9, 26);
    expect(quarters(pixelsOf(await pageOf(bytes)))).toEqual(upright);
  });

  test("rows from the top, and those without compression", async () => {
    const row = (left: number, right: number) => [left, left, left, left, right, right, right, right];
    const fromTop = [...row(0, 1), ...row(0, 1), ...row(2, 3), ...row(2, 3)];
    expect(quarters(pixelsOf(await pageOf(bmp(8, -4, 8, 0, fromTop))))).toEqual(upright);
    expect(quarters(pixelsOf(await pageOf(bmp(8, 4, 8, 0, [...fromTop.slice(16), ...fromTop.slice(0, 16)]))))).toEqual(
      upright,
    );
  });

  test("too large, without a size, cut short", async () => {
    expect(await faultOf(opened(bmp(30_000, 30_000, 8, 1, [])))).toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
    expect(await faultOf(opened(bmp(0, 4, 8, 0, [])))).toMatchObject({ code: "DOCUMENT_DECODE" });
    expect(await faultOf(pageOf(bmp(8, 4, 8, 0, [0, 0, 0])))).toMatchObject({ code: "DOCUMENT_DECODE" });
  });
});

describe("what is read is told by bytes", () => {
  test.each([
    ["nothing", "", "DOCUMENT_DECODE", "empty"],
    ["a text", "Dear colleague", "DOCUMENT_UNSUPPORTED", "PDF, DICOM, TIFF"],
    ["Word", "PK\x03\x04 word/document.xml", "DOCUMENT_UNSUPPORTED", "print a Word or OpenDocument file to PDF"],
    ["old Word", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "DOCUMENT_UNSUPPORTED", "print a Word file to PDF"],
    ["RTF", "{\\rtf1 Dear colleague}", "DOCUMENT_UNSUPPORTED", "print it to PDF"],
    ["a web page", "\n<!DOCTYPE html><p>Dear colleague", "DOCUMENT_UNSUPPORTED", "print it to PDF"],
    ["the name of a kind", "BM: no picture, but a text that begins so", "DOCUMENT_UNSUPPORTED", "are read"],
  ])("%s", async (_, text, code, hint) => {
    const fault = await faultOf(opened(Buffer.from(text, "latin1")));
    expect(fault).toMatchObject({ code, message: expect.stringContaining(hint) as string });
    expect(fault.message).not.toContain("colleague");
  });
});
