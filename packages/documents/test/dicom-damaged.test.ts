import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Fault } from "../src/decoder/fault.js";
import { deidentify } from "../src/deidentify.js";
import { dicomAttributes } from "../src/dicom-attributes.js";
import { readDicomFile } from "../src/kinds/dicom/dicom-file.js";
import { openDicom } from "../src/kinds/dicom/open-dicom.js";
import { encapsulated, file, picture, pixels, syntaxes, type Element } from "./dicom/dicom-writer.js";
import { opened, options, stored } from "./dicom/open.js";

const names = readdirSync(new URL("files/dicom/", import.meta.url))
  .filter((name) => name.endsWith(".dcm"))
  .map((name) => name.slice(0, -4));

const made = new Map<string, Uint8Array>([
  ...names.map((name) => [name, stored(name)] as const),
  ...(["implicit", "bigEndian", "deflated"] as const).map((name) => [name, nested(syntaxes[name])] as const),
]);

/** A picture with sequences in sequences. */
function nested(syntax: string): Uint8Array {
  const code: Element[] = [
    [0x00080100, "SH", "T-1"],
    [0x00080104, "LO", "Example"],
  ];
  const more: Element[] = [
    [
      0x00081140,
      "SQ",
      [
        [
          [0x00081155, "UI", "2.25.77"],
          [0x0040a170, "SQ", [code, code]],
        ],
        [[0x00081155, "UI", "2.25.78"]],
      ],
    ],
    [0x00281101, "US", [4, 0, 16]],
    [0x00281102, "US", [4, 0, 16]],
    [0x00281103, "US", [4, 0, 16]],
    [0x00281201, "OW", [0, 1, 2, 3]],
    [0x00281202, "OW", [0, 1, 2, 3]],
    [0x00281203, "OW", [0, 1, 2, 3]],
  ];
  return file(
    [
      ...picture({ columns: 4, rows: 4, photometric: "PALETTE COLOR" }, ...more),
      pixels("OW", [0, 1, 2, 3, 0, 1, 2, 3]),
    ],
    syntax,
  );
}

/** Does all that can be done with a file. Whatever is wrong with it is a Fault, of no value of the file. */
async function tried(bytes: Uint8Array): Promise<"read" | "refused"> {
  let outcome: "read" | "refused" = "read";
  const attempts = [
    async () => {
      const document = await openDicom(bytes, options);
      if (!("embedded" in document)) await document.page(1);
    },
    async () => void deidentify(bytes),
    async () => void dicomAttributes(bytes),
  ];
  for (const attempt of attempts) {
    try {
      await attempt();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      outcome = "refused";
    }
  }
  return outcome;
}

describe("a file that is cut short", () => {
  test.each([...made.keys()])("%s: is refused or shown at every border of its elements", async (name) => {
    const bytes = made.get(name)!;
    const { dataSet, meta } = readDicomFile(bytes, 1e6);
    const borders = [meta, dataSet]
      .flatMap(({ elements }) => [...elements.values()])
      .flatMap(({ offset, length, fragments }) => [
        offset,
        offset + length,
        ...(fragments ?? []).flatMap((fragment) => [fragment.offset, fragment.offset + fragment.length]),
      ])
      .filter((border) => border < bytes.length);
    for (const border of new Set(borders.flatMap((at) => [at - 1, at, at + 1]))) {
      await tried(bytes.slice(0, border));
    }
    // Within its pixels it is always noticed.
    expect(await tried(bytes.slice(0, bytes.length - 60))).toBe("refused");
  });
});

describe("a file with other bytes", () => {
  // CharLS may take half a minute for a damaged stream, which the decoder's time limit ends: not part of a quick test.
  test.each([...made.keys()].filter((name) => !name.startsWith("jpeg-ls")))("%s: is refused or shown", async (name) => {
    const bytes = made.get(name)!;
    const random = generator(name.length * 7919);
    for (let round = 0; round < 60; round++) {
      const changed = bytes.slice();
      for (let change = 0; change <= random(4); change++) changed[random(changed.length)] = random(256);
      await tried(changed);
    }
  });
});

describe("compressed frames that were cut short are never shown", () => {
  test.each(names)("%s", async (name) => {
    const { dataSet, transferSyntax } = readDicomFile(stored(name), 0);
    const { offset, length } = dataSet.get(0x7fe00010)!.fragments![1]!;
    const frame = dataSet.bytes.subarray(offset, offset + length);
    const color = name.includes("rgb");
    const deep = /16|lossless-sv|ls$/.test(name);
    const elements = color
      ? picture({ columns: 32, rows: 32, samples: 3 })
      : picture({ columns: 32, rows: 32, bits: 16, stored: deep ? 16 : 12, signed: name.includes("signed") });
    await (await opened(file(elements, transferSyntax, encapsulated([frame])))).page(1);
    for (const part of [0.02, 0.3, 0.6, 0.9]) {
      const cut = file(elements, transferSyntax, encapsulated([frame.subarray(0, Math.floor(length * part))]));
      await expect((await opened(cut)).page(1), `${part}`).rejects.toMatchObject({ code: "DOCUMENT_DECODE" });
    }
  });
});

describe("budgets hold before anything is allocated", () => {
  test("pixels", async () => {
    const bytes = file([...picture({ columns: 65535, rows: 65535 }), pixels("OW", [0])]);
    await expect(openDicom(bytes, options)).rejects.toMatchObject({
      code: "DOCUMENT_TOO_LARGE",
      message: expect.stringContaining("maxPixels") as string,
    });
  });

  test("frames", async () => {
    const bytes = file([...picture({ columns: 1, rows: 1 }, [0x00280008, "IS", "2000000000"]), pixels("OW", [0])]);
    await expect(openDicom(bytes, options)).rejects.toMatchObject({
      code: "DOCUMENT_TOO_LARGE",
      message: expect.stringContaining("maxPages") as string,
    });
  });

  test.each(["jpeg-lossless-sv1", "jpeg-extended-12", "jpeg-ls", "jpeg-2000-signed-16", "jpeg-rgb-without-marker"])(
    "%s: a stream that is larger than the file says",
    async (name) => {
      const { dataSet, transferSyntax } = readDicomFile(stored(name), 0);
      const { offset, length } = dataSet.get(0x7fe00010)!.fragments![1]!;
      const samples = name.includes("rgb") ? 3 : 1;
      const bytes = file(
        picture({ columns: 31, rows: 32, bits: samples === 3 ? 8 : 16, samples }),
        transferSyntax,
        encapsulated([dataSet.bytes.subarray(offset, offset + length)]),
      );
      await expect((await opened(bytes)).page(1)).rejects.toMatchObject({
        code: "DOCUMENT_DECODE",
        message: expect.stringContaining("32 by 32") as string,
      });
    },
  );

  test("sequences in sequences", () => {
    let item: Element[] = [[0x00081155, "UI", "2.25.1"]];
    for (let depth = 0; depth < 500; depth++) item = [[0x00081140, "SQ", [item]]];
    expect(dicomAttributes(file(item))).toBeDefined();
    expect(deidentify(file(item)).report.limits.map(({ kind }) => kind)).toContain("unreadable-sequence");
  });
});

test("a file without a picture says what it is", async () => {
  await expect(openDicom(file([[0x00080060, "CS", "SR"]]), options)).rejects.toMatchObject({
    code: "DOCUMENT_UNSUPPORTED",
  });
});

test("messages have no value of the file", async () => {
  const secret = "Mustermann";
  const hostile: Element[] = [
    [0x00100010, "PN", secret],
    [0x00280004, "CS", secret.toUpperCase()],
    [0x00280008, "IS", secret],
    [0x00080060, "CS", secret],
  ];
  for (const some of hostile) {
    const bytes = file([...picture({ columns: 2, rows: 1 }, some), pixels("OW", [0])]);
    const message = await openDicom(bytes, { ...options, maxPixels: 1 }).then(
      () => "",
      (error: Error) => error.message,
    );
    expect(message).not.toBe("");
    expect(message.toLowerCase()).not.toContain(secret.toLowerCase());
  }
});

/** Numbers that are the same in each run: a linear congruential generator with the constants of Numerical Recipes. */
function generator(seed: number) {
  let state = seed >>> 0;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
