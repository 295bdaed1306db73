import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { DocumentReader, type DocumentSource } from "@medinfer/documents";
import { MedInferError } from "medinfer";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { line, writePdf } from "./support/pdf-writer.js";

const bytes = writePdf([{ content: line("Alpha", 20, 100) }]);
const reader = new DocumentReader({ processes: 1, dpi: 20, maxBytes: 100_000 });
const folder = mkdtempSync(path.join(tmpdir(), "documents-"));
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(async () => {
  await reader.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A server that answers so, and the address of a document there. */
async function served(answer: RequestListener): Promise<URL> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/erika-example.pdf?key=secret`);
}

async function textOf(source: DocumentSource): Promise<string | undefined> {
  const document = await reader.open(source);
  return (await document.page(1)).text?.text;
}

async function errorOf(source: DocumentSource, signal?: AbortSignal): Promise<MedInferError> {
  const error = await reader.open(source, { signal }).then(
    () => new Error("it was opened"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof MedInferError)) throw error;
  expect(`${error.message} ${String(error.cause)}`).not.toMatch(/erika|secret|127\.0/);
  return error;
}

describe("a document is", () => {
  test("bytes, whatever memory they are in", async () => {
    expect(await textOf(bytes)).toBe("Alpha");
    expect(await textOf(new Uint8Array(bytes))).toBe("Alpha");
    expect(await textOf(new Uint8Array(bytes).buffer)).toBe("Alpha");
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    expect(await textOf(shared)).toBe("Alpha");
    const within = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("behind")]);
    expect(await textOf(within.subarray(6, 6 + bytes.length))).toBe("Alpha");
  });

  test("a Blob or File", async () => {
    expect(await textOf(new Blob([bytes]))).toBe("Alpha");
    expect(await textOf(new File([bytes], "erika-example.tif", { type: "image/tiff" }))).toBe("Alpha");
  });

  test("a path or a file: URL, of any name", async () => {
    // Its name says another kind.
    const file = path.join(folder, "erika example ä%20.tif");
    writeFileSync(file, bytes);
    expect(await textOf(file)).toBe("Alpha");
    expect(await textOf(path.relative(process.cwd(), file))).toBe("Alpha");
    expect(await textOf(pathToFileURL(file))).toBe("Alpha");
  });

  test("what an http: URL answers", async () => {
    const url = await served((_, response) =>
      response.setHeader("content-type", "application/octet-stream").end(bytes),
    );
    expect(await textOf(url)).toBe("Alpha");
  });

  test.each([
    ["an empty string", "", "must be a path"],
    ["a path with a zero", "a\0b", "must be a path"],
    ["a number", 7 as never, "must be a path"],
    ["a web address in a string", "https://example.org/erika.pdf", "new URL(address)"],
    ["an ftp: URL", new URL("ftp://example.org/erika.pdf"), "file:, http: and https:"],
    ["a data: URL", new URL("data:application/pdf,erika"), "file:, http: and https:"],
    ["a file: URL of another host", new URL("file://example.org/erika.pdf"), "names no local path"],
    ["a URL with a password", new URL("http://user:secret@127.0.0.1/"), "pass the bytes"],
  ])("not %s", async (_, source, hint) => {
    expect(await errorOf(source)).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining(hint) as string,
    });
  });

  test("not a folder, or what is not there", async () => {
    for (const source of [folder, path.join(folder, "erika"), pathToFileURL(path.join(folder, "erika"))]) {
      expect(await errorOf(source)).toMatchObject({ code: "DOCUMENT_NOT_FOUND", retryable: false });
    }
  });

  test("not a Blob whose file is gone", async () => {
    const gone = { size: 10, arrayBuffer: () => Promise.reject(new Error("erika.pdf is gone")) };
    expect(await errorOf(gone)).toMatchObject({ code: "DOCUMENT_NOT_FOUND" });
  });
});

describe("a server that", () => {
  test.each([
    [400, false],
    [403, false],
    [404, false],
    [429, true],
    [500, true],
    [503, true],
  ])("answers %i", async (status, retryable) => {
    const url = await served((_, response) => response.writeHead(status).end("erika example"));
    expect(await errorOf(url)).toMatchObject({ code: "DOCUMENT_FETCH", retryable });
  });

  test("cuts the connection", async () => {
    const url = await served((_, response) => {
      response.writeHead(200, { "content-length": bytes.length });
      response.write(bytes.subarray(0, 100), () => response.destroy());
    });
    expect(await errorOf(url)).toMatchObject({ code: "DOCUMENT_FETCH", retryable: true });
  });

  test("is not there", async () => {
    const url = await served(() => {});
    await new Promise((resolve) => servers.pop()!.close(resolve));
    expect(await errorOf(url)).toMatchObject({ code: "DOCUMENT_FETCH", retryable: true });
  });

  test("says that it sends more than maxBytes", async () => {
    const url = await served((_, response) => {
      response.writeHead(200, { "content-length": 100_001 });
      response.write(bytes);
    });
    expect(await errorOf(url)).toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
  });

  test("sends more than maxBytes without an end, and without saying so", async () => {
    let sent = 0;
    const url = await served((_, response) => {
      const more = () => {
        sent += 10_000;
        if (!response.destroyed) response.write(Buffer.alloc(10_000), () => setTimeout(more, 1));
      };
      more();
    });
    expect(await errorOf(url)).toMatchObject({ code: "DOCUMENT_TOO_LARGE" });
    expect(sent).toBeLessThan(5_000_000);
  });

  test("does not answer is left by the caller's signal", async () => {
    const url = await served(() => {});
    expect(await errorOf(url, AbortSignal.timeout(100))).toMatchObject({ code: "ABORTED" });
    expect(await errorOf(url, AbortSignal.abort())).toMatchObject({ code: "ABORTED" });
  });
});
