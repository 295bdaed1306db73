import { describe, expect, test } from "vitest";
import { Fault } from "../src/decoder/fault.js";
import type { DecodedPage, Pixels } from "../src/kinds/open-document.js";
import type { Box } from "../src/page-text.js";
import { colourAt, faultOf, opened, options, pageOf, pixelsOf, stored } from "./support/opened.js";
import { FIRST_OBJECT, line, writePdf } from "./support/pdf-writer.js";

/** Pixels of a point. */
const SCALE = options.dpi / 72;

/** Dark pixels of a picture, in a box or out of all of these. */
function darkPixels(picture: Pixels, counts: (x: number, y: number) => boolean): number {
  let dark = 0;
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++) if (colourAt(picture, x, y)[1]! < 128 && counts(x, y)) dark++;
  }
  return dark;
}

/** Whether a pixel is in a box of points, or at most a point beside it. */
const within = ({ x, y, width, height }: Box, left: number, top: number, margin = 1) =>
  left / SCALE >= x - margin &&
  left / SCALE <= x + width + margin &&
  top / SCALE >= y - margin &&
  top / SCALE <= y + height + margin;

/** Every word's box has ink in it, and there is none but in boxes. */
function expectInkInBoxes(page: DecodedPage): void {
  const picture = pixelsOf(page);
  const words = page.text?.words ?? [];
  for (const { text, box } of words) {
    expect(
      darkPixels(picture, (x, y) => within(box, x, y, 0)),
      text,
    ).toBeGreaterThan(20);
  }
  expect(darkPixels(picture, (x, y) => !words.some(({ box }) => within(box, x, y)))).toBe(0);
}

const wordsOf = (page: DecodedPage) => page.text?.words.map((word) => word.text);

describe("the page's own space", () => {
  const content = line("Alpha beta", 20, 150) + line("gamma", 180, 30, 12);

  test.each([0, 90, 180, 270] as const)("rotation %i: words lie where they are seen", async (rotation) => {
    const page = await pageOf(writePdf([{ content, entries: `/Rotate ${rotation}` }]));
    const [width, height] = rotation % 180 === 0 ? [300, 200] : [200, 300];
    expect(page).toMatchObject({ rotation, size: { width, height } });
    expect(page.picture).toMatchObject({ width: width * SCALE, height: height * SCALE });
    expect(wordsOf(page)).toEqual(["Alpha", "beta", "gamma"]);
    expectInkInBoxes(page);
  });

  test.each([0, 90, 180, 270])("a crop box, rotation %i", async (rotation) => {
    const cropped = `/Rotate ${rotation} /CropBox [10 20 270 190]`;
    const page = await pageOf(writePdf([{ content, box: [-30, -40, 320, 260], entries: cropped }]));
    const [width, height] = rotation % 180 === 0 ? [260, 170] : [170, 260];
    expect(page.size).toEqual({ width, height });
    expect(wordsOf(page)).toEqual(["Alpha", "beta", "gamma"]);
    expectInkInBoxes(page);
  });

  test("UserUnit makes the page and its boxes larger", async () => {
    const plain = await pageOf(writePdf([{ content }]));
    const doubled = await pageOf(writePdf([{ content: "" }, { content, entries: "/UserUnit 2" }]), 2, { dpi: 72 });
    expect(doubled.size).toEqual({ width: 600, height: 400 });
    expect(doubled.picture).toMatchObject({ width: 600, height: 400 });
    doubled.text!.words.forEach(({ box }, index) => {
      const small = plain.text!.words[index]!.box;
      expect(box.x).toBeCloseTo(2 * small.x, 1);
      expect(box.y).toBeCloseTo(2 * small.y, 1);
      expect(box.width).toBeCloseTo(2 * small.width, 1);
    });
    const other = await pageOf(writePdf([{ content: "" }, { content, entries: "/UserUnit 2" }]), 1);
    expect(other.size).toEqual({ width: 300, height: 200 });
  });

  test("UserUnit in a compressed object", async () => {
    const page = await pageOf(stored("pdf/user-unit-in-object-stream.pdf"));
    expect(page.size).toEqual({ width: 600, height: 400 });
    expectInkInBoxes(page);
  });

  test("a poster is drawn with maxPixels", async () => {
    const poster = writePdf([{ box: [0, 0, 14_400, 7200], content: line("Poster", 200, 3000, 4000) }]);
    const page = await pageOf(poster, 1, { maxPixels: 1_000_000 });
    expect(page.size).toEqual({ width: 14_400, height: 7200 });
    const { width, height } = pixelsOf(page);
    expect(width * height).toBeLessThanOrEqual(1_000_000);
    expect(width * height).toBeGreaterThan(990_000);
    expect(width / height).toBeCloseTo(2, 1);
  });
});

test("pages in any order have their own text", async () => {
  const names = ["one", "two", "three", "four", "five"];
  const document = await opened(writePdf(names.map((name) => ({ content: line(name, 20, 100) }))));
  expect(document).toMatchObject({ kind: "pdf", pageCount: 5 });
  for (const number of [3, 1, 5, 2, 2, 4]) {
    const page = await document.page(number);
    expect(page.text?.text).toBe(names[number - 1]);
    expectInkInBoxes(page);
  }
  document.close();
});

test("a page without text has no text layer, lines of one have line ends", async () => {
  expect((await pageOf(writePdf([{ content: "10 10 50 50 re f" }]))).text).toBeUndefined();
  expect((await pageOf(writePdf([{ content: line("up", 20, 150) + line("down", 20, 50) }]))).text?.text).toBe(
    "up\ndown",
  );
});

test("a header that does not stand at the beginning", async () => {
  const bytes = Buffer.concat([
    Buffer.from("X-Header: from a mail\r\n\r\n"),
    writePdf([{ content: line("late", 20, 100) }]),
  ]);
  expect((await pageOf(bytes)).text?.text).toBe("late");
});

describe("what is filled in", () => {
  /** A widget of a form, by its rectangle. */
  const widget = (rect: string, entries: string) =>
    `<< /Type /Annot /Subtype /Widget /Rect [${rect}] /F 4 /DA (/F1 18 Tf 0 g) ${entries} >>`;
  const [first] = [FIRST_OBJECT];
  const form = (fields: readonly string[], more = "") =>
    writePdf([{ content: line("Form", 20, 170), entries: `/Annots [${references(fields)}]` }], {
      catalog: `/AcroForm << /Fields [${references(fields)}] /NeedAppearances true /DA (/F1 18 Tf 0 g) /DR << /Font << /F1 3 0 R >> >> ${more} >>`,
      objects: fields,
    });
  const references = (objects: readonly string[]) => objects.map((_, index) => `${first + index} 0 R`).join(" ");

  test("values of a form are drawn, and are in its text with their places", async () => {
    const page = await pageOf(
      form([
        widget("20 100 220 130", "/FT /Tx /T (name) /V (Erika Example)"),
        widget("20 60 220 90", "/FT /Ch /Ff 131072 /T (sex) /Opt [(female) (male)] /V (female)"),
        widget("20 20 220 50", "/FT /Tx /T (empty)"),
      ]),
    );
    const [title, name, sex, ...more] = page.text!.words;
    expect([title!.text, name!.text, sex!.text, ...more]).toEqual(["Form", "Erika Example", "female"]);
    expect(name!.box).toEqual({ x: 20, y: 70, width: 200, height: 30 });
    expect(page.text!.text).toBe("Form\nErika Example\nfemale");
    expectInkInBoxes(page);
  });

  test("choices are what they show: labels for codes, all of several", async () => {
    const page = await pageOf(
      form([
        widget(
          "20 110 280 150",
          "/FT /Ch /Ff 2097152 /T (drugs) /Opt [[(A10) (Metformin)] (Insulin) (Aspirin)] /V [(A10) (Insulin)]",
        ),
        widget("20 60 220 90", "/FT /Ch /Ff 131072 /T (sex) /Opt [[(f) (female)] [(m) (male)]] /V (f)"),
        widget("20 20 220 50", "/FT /Ch /Ff 393216 /T (other) /Opt [(yes) (no)] /V (perhaps)"),
      ]),
    );
    expect(page.text!.words.slice(1).map((word) => word.text)).toEqual(["Metformin\nInsulin", "female", "perhaps"]);
  });

  test("a field without a value leaves the page as it is", async () => {
    const page = await pageOf(form([widget("20 100 220 130", "/FT /Tx /T (name)")]));
    expect(wordsOf(page)).toEqual(["Form"]);
    expectInkInBoxes(page);
  });

  test("notes on the page are drawn and are text, hidden ones are neither", async () => {
    const note = (rect: string, text: string, flags: number) =>
      `<< /Type /Annot /Subtype /FreeText /Rect [${rect}] /F ${flags} /Contents (${text}) /DA (/F1 18 Tf 0 g) /AP << /N ${first} 0 R >> >>`;
    const drawn = line("Allergy", 2, 8, 18);
    const appearance = `<< /Type /XObject /Subtype /Form /BBox [0 0 200 30] /Resources << /Font << /F1 3 0 R >> >> /Length ${drawn.length} >>\nstream\n${drawn}\nendstream`;
    const page = await pageOf(
      writePdf(
        [{ content: line("Letter", 20, 170), entries: `/Annots [${first + 1} 0 R ${first + 2} 0 R ${first + 3} 0 R]` }],
        {
          objects: [
            appearance,
            note("20 100 220 130", "Allergy", 4),
            note("20 60 220 90", "hidden", 2),
            note("20 20 220 50", "not viewed", 32),
          ],
        },
      ),
    );
    expect(wordsOf(page)).toEqual(["Letter", "Allergy"]);
    expectInkInBoxes(page);
  });

  test("a form of XFA is refused", async () => {
    const xfa = writePdf([{ content: line("Please wait", 20, 100) }], {
      catalog: `/NeedsRendering true /AcroForm << /Fields [] /XFA ${first} 0 R >>`,
      objects: ["<< /Length 5 >>\nstream\n<xdp>\nendstream"],
    });
    expect(await faultOf(opened(xfa))).toMatchObject({
      code: "DOCUMENT_UNSUPPORTED",
      message: expect.stringContaining("XFA") as string,
    });
  });
});

describe("encrypted", () => {
  test.each(["rc4-40", "rc4-128", "aes-128", "aes-256"])("%s", async (name) => {
    const bytes = stored(`pdf/${name}.pdf`);
    expect((await pageOf(bytes, 1, { password: "user" })).text?.text).toBe("Secret");
    expect((await pageOf(bytes, 1, { password: "owner" })).text?.text).toBe("Secret");
    const missing = await faultOf(opened(bytes));
    const wrong = await faultOf(opened(bytes, { password: "not this" }));
    expect([missing.code, wrong.code]).toEqual(["DOCUMENT_PASSWORD", "DOCUMENT_PASSWORD"]);
    expect(missing.message).toContain("give `password`");
    expect(wrong.message).toContain("does not open with the password given");
    expect(wrong.message).not.toContain("not this");
  });

  test("one that everybody may open", async () => {
    expect((await pageOf(stored("pdf/no-user-password.pdf"))).text?.text).toBe("Secret");
  });
});

describe("damaged", () => {
  const whole = writePdf([{ content: line("Alpha", 20, 100) }, { content: line("Beta", 20, 100) }]);

  /** Reads all pages. Whatever is wrong is a Fault. */
  async function tried(bytes: Uint8Array): Promise<"read" | Fault> {
    try {
      const document = await opened(bytes, { dpi: 20 });
      try {
        for (let number = 1; number <= document.pageCount; number++) await document.page(number);
      } finally {
        document.close();
      }
      return "read";
    } catch (error) {
      if (error instanceof Fault) return error;
      throw error;
    }
  }

  test("cut short anywhere", async () => {
    const outcomes = [];
    for (let length = 8; length < whole.length; length += 17) outcomes.push(await tried(whole.subarray(0, length)));
    const faults = outcomes.filter((outcome): outcome is Fault => outcome !== "read");
    expect(new Set(faults.map((fault) => fault.code))).toEqual(new Set(["DOCUMENT_DECODE"]));
    expect(faults.length).toBeGreaterThan(20);
  });

  test("with bytes that are others", async () => {
    let seed = 28;
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.from(whole);
      for (let change = 0; change < 4; change++) bytes[random(bytes.length)] = random(256);
      const outcome = await tried(bytes);
      if (outcome !== "read") expect(outcome.message).not.toMatch(/Alpha|Beta/);
    }
  });

  test("no page can be found", async () => {
    const fault = await faultOf(opened(writePdf([])));
    expect(fault).toMatchObject({ code: "DOCUMENT_DECODE" });
  });

  test("a page that is no page takes none of the others with it", async () => {
    const bytes = Buffer.from(
      Buffer.from(whole).toString("latin1").replace("/Kids [4 0 R 6 0 R]", "/Kids [3 0 R 6 0 R]"),
      "latin1",
    );
    const document = await opened(bytes);
    await document.page(1).catch((error: unknown) => expect(error).toMatchObject({ code: "DOCUMENT_DECODE" }));
    expect((await document.page(2)).text?.text).toBe("Beta");
    document.close();
  });
});

test("more pages than maxPages are refused before any is read", async () => {
  const bytes = writePdf(Array.from({ length: 5 }, () => ({})));
  expect(await faultOf(opened(bytes, { maxPages: 4 }))).toMatchObject({
    code: "DOCUMENT_TOO_LARGE",
    message: "the PDF has 5 pages, more than maxPages (4)",
  });
  (await opened(bytes, { maxPages: 5 })).close();
});
