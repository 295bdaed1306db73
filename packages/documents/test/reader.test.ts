import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { DocumentError, DocumentReader, readDocument, type DocumentReaderOptions } from "@medinfer/documents";
import { MedInferError } from "medinfer";
import sharp from "sharp";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { stored } from "./support/opened.js";
import { line, writePdf } from "./support/pdf-writer.js";
import { decoders, kill, memoryOf } from "./support/processes.js";

const folder = mkdtempSync(path.join(tmpdir(), "documents-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const readers: DocumentReader[] = [];
afterEach(async () => {
  await Promise.all(readers.splice(0).map((reader) => reader.close()));
  await until(() => decoders().length === 0);
});

function reader(options: DocumentReaderOptions = {}): DocumentReader {
  const made = new DocumentReader({ processes: 1, dpi: 72, ...options });
  readers.push(made);
  return made;
}

const named = (...names: string[]) => writePdf(names.map((name) => ({ content: line(name, 20, 100) })));

/** The first page is whole and takes many seconds; the second takes none. */
const slow = writePdf([{ content: "0 0 300 200 re f\n".repeat(400_000) }, { content: line("quick", 20, 100) }]);

async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !holds(); await sleep(10)) if (Date.now() > end) throw new Error("it does not");
}

async function errorOf(promise: Promise<unknown>): Promise<MedInferError> {
  const error = await promise.then(
    () => new Error("it was not refused"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof MedInferError)) throw error;
  return error;
}

describe("pages", () => {
  test("are PNG files with what is known of them", async () => {
    const found = [];
    for await (const page of reader().pages(named("one", "two"))) found.push(page);
    expect(found).toHaveLength(2);
    expect(found[1]).toMatchObject({ number: 2, pageCount: 2, kind: "pdf", mediaType: "image/png", rotation: 0 });
    expect(found[1]!.text!.words.map((word) => word.text)).toEqual(["two"]);
    const facts = await sharp(found[1]!.image).metadata();
    expect(facts).toMatchObject({ format: "png", width: 300, height: 200, channels: 1 });
  });

  test("of two documents in turn, by one process", async () => {
    const one = reader();
    const [a, b] = [await one.open(named("a1", "a2")), await one.open(named("b1", "b2"))];
    const texts = [];
    for (const number of [1, 2]) {
      for (const document of [a, b]) texts.push((await document.page(number)).text!.text);
    }
    expect(texts).toEqual(["a1", "b1", "a2", "b2"]);
    const atOnce = await Promise.all([b.page(2), a.page(1), b.page(1), a.page(2)]);
    expect(atOnce.map((page) => page.text!.text)).toEqual(["b2", "a1", "b1", "a2"]);
    expect(decoders()).toHaveLength(1);
  });

  test("of many documents by two processes", async () => {
    const two = reader({ processes: 2 });
    const texts = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const document = await two.open(named(`${index} first`, `${index} second`));
        return (await Promise.all([document.page(2), document.page(1)])).map((page) => page.text!.text);
      }),
    );
    expect(texts).toEqual(texts.map((_, index) => [`${index} second`, `${index} first`]));
    expect(decoders()).toHaveLength(2);
  });

  test("by readDocument, whose processes are gone behind it", async () => {
    for await (const page of readDocument(named("one", "two"), { dpi: 20 })) {
      expect(page.width).toBe(83);
      break;
    }
    await until(() => decoders().length === 0);
  });

  test("a number that is no page", async () => {
    const document = await reader().open(named("one"));
    for (const number of [0, 2, 1.5, -1, NaN]) {
      expect(await errorOf(document.page(number))).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
  });

  test("a password", async () => {
    const one = reader();
    const bytes = stored("pdf/aes-256.pdf");
    expect(await errorOf(one.open(bytes))).toMatchObject({ code: "DOCUMENT_PASSWORD", page: undefined });
    const document = await one.open(bytes, { password: "user" });
    await one.open(named("another"));
    // It is opened again, with the password.
    expect((await document.page(1)).text!.text).toBe("Secret");
  });
});

describe("a decoder that does not answer", () => {
  test("is killed while it works: the page fails, the next one is decoded", async () => {
    const document = await reader().open(slow);
    const [pid] = decoders();
    const page = errorOf(document.page(1));
    await sleep(100);
    kill(pid!);
    expect(await page).toMatchObject({ name: "MedInferError", code: "DOCUMENT_DECODE", page: 1 });
    expect(await page).toBeInstanceOf(DocumentError);
    expect((await document.page(2)).text!.text).toBe("quick");
    expect(decoders()).not.toContain(pid);
  });

  test("is killed while it is idle: nobody sees it", async () => {
    const document = await reader().open(named("one"));
    const [pid] = decoders();
    kill(pid!);
    await until(() => decoders().length === 0);
    await sleep(20);
    expect((await document.page(1)).text!.text).toBe("one");
  });

  test("is ended after pageTimeoutMs, the next page is decoded", async () => {
    const document = await reader({ pageTimeoutMs: 2000 }).open(slow);
    const [pid] = decoders();
    const start = performance.now();
    const error = await errorOf(document.page(1));
    expect(performance.now() - start).toBeLessThan(3500);
    expect(error).toMatchObject({ code: "DOCUMENT_TIMEOUT", page: 1 });
    expect((await document.page(2)).text!.text).toBe("quick");
    expect(decoders()).not.toContain(pid);
  });

  test("is ended where opening takes too long", async () => {
    const error = await errorOf(reader({ pageTimeoutMs: 1 }).open(slow));
    expect(error).toMatchObject({ code: "DOCUMENT_TIMEOUT", page: undefined });
    await until(() => decoders().length === 0);
  });

  test("is ended by its caller's signal, the next page is decoded", async () => {
    const document = await reader().open(slow);
    const controller = new AbortController();
    const page = errorOf(document.page(1, { signal: controller.signal }));
    await sleep(100);
    controller.abort(new Error("enough"));
    expect(await page).toMatchObject({ code: "ABORTED", cause: new Error("enough") });
    expect((await document.page(2)).text!.text).toBe("quick");
  });

  test("and what waits for it can be aborted at once, without ending it", async () => {
    const document = await reader().open(slow);
    const first = errorOf(document.page(1));
    const controller = new AbortController();
    const second = errorOf(document.page(2, { signal: controller.signal }));
    controller.abort();
    expect(await second).toMatchObject({ code: "ABORTED" });
    expect(await errorOf(document.page(2, { signal: AbortSignal.abort() }))).toMatchObject({ code: "ABORTED" });
    const [pid] = decoders();
    kill(pid!);
    expect(await first).toMatchObject({ code: "DOCUMENT_DECODE" });
  });
});

describe("close", () => {
  test("of a reader that did nothing, and twice", async () => {
    const one = reader();
    await one.close();
    await one.close();
    expect(await errorOf(one.open(named("one")))).toMatchObject({ code: "CLOSED" });
  });

  test("while a page is decoded: it is finished, what waits is refused", async () => {
    const one = reader();
    const document = await one.open(named("one", "two"));
    const [page, waiting] = [document.page(1), errorOf(document.page(2))];
    await one.close();
    expect((await page).text!.text).toBe("one");
    expect(await waiting).toMatchObject({ code: "CLOSED" });
    expect(await errorOf(document.page(2))).toMatchObject({ code: "CLOSED" });
    await until(() => decoders().length === 0);
    document.close();
  });

  test("while a document is opened", async () => {
    const one = reader();
    const opening = one.open(named("one"));
    await sleep(5);
    await one.close();
    await opening.then(
      async (document) => expect(await errorOf(document.page(1))).toMatchObject({ code: "CLOSED" }),
      (error: unknown) => expect(error).toMatchObject({ code: "CLOSED" }),
    );
  });

  test("is not needed of documents: a process is replaced all the same", async () => {
    const one = reader();
    const bytes = named("one");
    const documents = [await one.open(bytes)];
    const [pid] = decoders();
    while (documents.length < 200) documents.push(await one.open(bytes));
    expect(decoders()).toEqual([pid]);
    documents.push(await one.open(bytes));
    await until(() => !decoders().includes(pid!));
    // What the process before had open is opened again.
    expect((await documents[199]!.page(1)).text!.text).toBe("one");
  });

  test("of a document, of another one in its place, and while it is decoded", async () => {
    const one = reader();
    const [a, b] = [await one.open(named("a")), await one.open(named("b"))];
    a.close();
    expect((await b.page(1)).text!.text).toBe("b");
    const page = b.page(1);
    b.close();
    b.close();
    expect((await page).text!.text).toBe("b");
    for (const document of [a, b]) expect(await errorOf(document.page(1))).toMatchObject({ code: "CLOSED" });
    expect((await (await one.open(named("c"))).page(1)).text!.text).toBe("c");
  });

  test("by leaving the scope", async () => {
    {
      await using one = new DocumentReader({ processes: 1 });
      using document = await one.open(named("one"));
      expect(decoders()).toHaveLength(1);
      expect(document.pageCount).toBe(1);
    }
    await until(() => decoders().length === 0);
  });
});

describe("budgets", () => {
  const bytes = named("one", "two");

  test("maxBytes, of bytes and of files", async () => {
    const file = path.join(folder, "two.pdf");
    writeFileSync(file, bytes);
    const [enough, less] = [reader({ maxBytes: bytes.length }), reader({ maxBytes: bytes.length - 1 })];
    for (const source of [bytes, file, pathToFileURL(file), new Blob([bytes])]) {
      expect((await enough.open(source)).pageCount).toBe(2);
      expect(await errorOf(less.open(source))).toMatchObject({
        code: "DOCUMENT_TOO_LARGE",
        message: expect.stringContaining("maxBytes") as string,
      });
    }
  });

  test("maxPages", async () => {
    expect(await errorOf(reader({ maxPages: 1 }).open(bytes))).toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
  });

  test("maxPixels: a PDF is drawn smaller, a picture is refused with its page", async () => {
    const page = await (await reader({ maxPixels: 15_000 }).open(bytes)).page(1);
    expect(page).toMatchObject({ width: 150, height: 100 });
    const picture = await reader({ maxPixels: 100 }).open(stored("pictures/fax-g4.tif"));
    expect(await errorOf(picture.page(2))).toMatchObject({ code: "DOCUMENT_TOO_LARGE", page: 2 });
  });

  test.each([
    [{ processes: 0 }, "processes"],
    [{ dpi: 19 }, "dpi"],
    [{ maxBytes: 1.5 }, "maxBytes"],
    [{ pageTimeoutMs: 2 ** 31 }, "pageTimeoutMs"],
    [{ pages: 3 }, "pages"],
  ])("%o is no option", (options, name) => {
    expect(() => new DocumentReader(options as DocumentReaderOptions)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", message: expect.stringContaining(name) as string }) as Error,
    );
  });
});

test("messages hold no path and nothing of the document", async () => {
  const one = reader();
  const file = path.join(folder, "Erika-Example.pdf");
  writeFileSync(file, named("Erika Example").subarray(0, 300));
  const missing = path.join(folder, "Erika-Example-2.pdf");
  for (const source of [file, missing, folder, pathToFileURL(missing)]) {
    const error = await errorOf(one.open(source));
    expect(error.code).toMatch(/^DOCUMENT_(NOT_FOUND|DECODE)$/);
    expect(`${error.message} ${String(error.cause)}`).not.toMatch(/Erika|Example|documents-/);
  }
});

describe("a program that reads a document", () => {
  const entry = pathToFileURL(fileURLToPath(new URL("../dist/index.mjs", import.meta.url)));

  /** Runs a program with what the package exports, and `files`. */
  function run(program: string, ...documents: Uint8Array[]) {
    const files = documents.map((bytes, index) => {
      const file = path.join(folder, String(index));
      writeFileSync(file, bytes);
      return file;
    });
    const source = `import { DocumentReader } from "${entry.href}";\nconst files = process.argv.slice(1);\n${program}`;
    return spawnSync(process.execPath, ["--input-type=module", "--eval", source, "--", ...files], {
      encoding: "utf8",
      timeout: 30_000,
    });
  }

  test("and does not close the reader, exits", () => {
    const program =
      "const page = await (await new DocumentReader().open(files[0])).page(1); process.stdout.write(page.text.text)";
    expect(run(program, named("one"))).toMatchObject({ status: 0, stdout: "one", stderr: "" });
  });

  test("and stops in its middle, exits", () => {
    const program =
      "for await (const page of new DocumentReader().pages(files[0])) { process.stdout.write(page.text.text); break; }";
    expect(run(program, named("one", "two", "three"))).toMatchObject({ status: 0, stdout: "one", stderr: "" });
  });

  test("prints nothing of those that are damaged", () => {
    const program = `const reader = new DocumentReader({ processes: 1 });
      for (const file of files) {
        try { for await (const page of reader.pages(file)); process.exit(1) } catch (error) { if (!error.code) throw error }
      }`;
    const files = [
      stored("pictures/turned.heic").subarray(0, 700),
      named("one").subarray(0, 200),
      stored("pictures/colours-zip.tif").subarray(0, 60),
      stored("dicom/jpeg-ls.dcm").subarray(0, 400),
    ];
    expect(run(program, ...files)).toMatchObject({ status: 0, stdout: "", stderr: "" });
  });
});

test("memory stays where it is over many documents", async () => {
  const one = reader();
  const sources = [
    named("one", "two"),
    stored("pictures/fax-g4.tif"),
    stored("pictures/turned.heic"),
    stored("pictures/old-style-jpeg.tif"),
    stored("dicom/jpeg-ls.dcm"),
  ];
  const round = async () => {
    for (const source of sources)
      for await (const page of one.pages(source)) expect(page.image.length).toBeGreaterThan(0);
  };
  for (let warm = 0; warm < 4; warm++) await round();
  const [pid] = decoders();
  const before = memoryOf(pid!);
  for (let times = 0; times < 12; times++) await round();
  expect(decoders()).toEqual([pid]);
  expect(memoryOf(pid!) - before).toBeLessThan(64 * 1024 * 1024);
});
