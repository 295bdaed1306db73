/** Rows of engine.annotate that are documents. */
import { readFileSync } from "node:fs";
import { Engine, MedInferError, type AnnotateRow } from "medinfer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { DocumentReader } from "@medinfer/documents";
import { fromRoot } from "../../../test/support/paths.mjs";

const pdf = fromRoot("packages", "documents", "examples", "referral.pdf");
const options = {
  prompt: "Extract demografig, clinical disease and medication informations",
  sampling: { temperature: 0 },
  nPredict: 24,
};

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.load();
});
afterAll(() => engine.close());

async function answers(rows: AnnotateRow[], more = {}) {
  const all = [];
  for await (const result of engine.annotate(rows, { ...options, ...more })) all.push(result);
  return all;
}

describe("a document of a row", () => {
  test("is its pages as images, in their order, before the row's own", async () => {
    const reader = new DocumentReader();
    const pages: Uint8Array[] = [];
    for await (const { image } of reader.pages(pdf)) pages.push(image);
    await reader.close();
    const [whole, second, images, one] = await answers([
      { document: pdf },
      { document: pdf, pages: [2] },
      { images: pages },
      { image: pages[1]! },
    ]);
    expect(whole!.text).toBe(images!.text);
    expect(second!.text).toBe(one!.text);
    expect(whole!.images).toHaveLength(2);
    expect(whole!.pages).toMatchObject([
      { number: 1, pageCount: 2, kind: "pdf", rotation: 0 },
      { number: 2, pageCount: 2 },
    ]);
    expect(whole!.pages![0]).not.toHaveProperty("image");
    expect(images!).not.toHaveProperty("pages");
  });

  test("may be bytes, a Blob or a file: URL", async () => {
    const bytes = readFileSync(pdf);
    const sources = [bytes, new Blob([bytes]), new URL(`file://${pdf}`)];
    const results = await answers(sources.map((document) => ({ document, pages: [1] })));
    expect(new Set(results.map((each) => each.text)).size).toBe(1);
    expect(results.every((each) => each.error === undefined)).toBe(true);
  });

  test("that fails fails its row alone, with a code, and no name", async () => {
    const rows = [
      { document: "/nowhere/Quackenbush.pdf" },
      { document: Buffer.from("%PDF-1.4 Quackenbush") },
      { document: pdf, pages: [3] },
      { document: pdf, pages: [1] },
      { document: 7 as never },
      { pages: [1], prompt: "x" },
    ];
    const results = await answers(rows);
    const codes = results.map((each) => each.error?.code);
    const wrong = "INVALID_ARGUMENT";
    expect(codes).toEqual(["DOCUMENT_NOT_FOUND", "DOCUMENT_DECODE", wrong, undefined, wrong, undefined]);
    for (const { error } of results) expect(error?.message ?? "").not.toContain("Quackenbush");
    expect(results[0]!.error).toBeInstanceOf(MedInferError);
    expect(results[2]!.error!.message).toContain("2 pages");
  });

  test("more documents than are kept open, all at once", async () => {
    const bytes = readFileSync(pdf);
    const rows = Array.from({ length: 24 }, (_, i) => ({ document: Buffer.from(bytes), pages: [1 + (i % 2)] }));
    const results = await answers(rows, { nPredict: 2, documents: { processes: 2, dpi: 40 } });
    expect(results.map((each) => each.error)).toEqual(rows.map(() => undefined));
    expect(results.map((each) => each.pages![0]!.number)).toEqual(rows.map(({ pages: [page] }) => page));
  });

  test("wrong options of the reader fail each row by name", async () => {
    const [result] = await answers([{ document: pdf }], { documents: { dpi: 1 } });
    expect(result!.error).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining("dpi") });
  });

  test("an abort ends it while documents are read", async () => {
    const end = new AbortController();
    const rows = Array.from({ length: 50 }, () => ({ document: pdf }));
    const run = answers(rows, { signal: end.signal });
    setTimeout(() => end.abort(), 300);
    await expect(run).rejects.toMatchObject({ code: "ABORTED" });
  });
});
