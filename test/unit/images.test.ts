import { openAsBlob } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isImageSource, loadImage, type ImageSource } from "../../lib/images/load.js";
import { rejection } from "./support/collect.js";
import { FakeImage, readImage } from "./support/read-image.js";

const maxBytes = 1000;
const bytes = Uint8Array.from({ length: 300 }, (_, i) => i % 256);
const options = { maxBytes, readFile: (file: string) => readImage(file, maxBytes) };
const load = async (source: ImageSource, signal?: AbortSignal) => {
  const loaded = await loadImage(source, { ...options, signal });
  return loaded instanceof FakeImage ? loaded.bytes() : Uint8Array.from(loaded as Uint8Array);
};
const refusal = (source: ImageSource, signal?: AbortSignal) => rejection(load(source, signal));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "medinfer-images-"));
  await writeFile(path.join(folder, "a b.png"), bytes);
  await writeFile(path.join(folder, "large.png"), Buffer.alloc(maxBytes + 1));
});
afterAll(() => rm(folder, { recursive: true }));

describe("bytes", () => {
  it("are taken as they are, at once", () => {
    expect(loadImage(bytes, options)).toBe(bytes);
    expect(loadImage(Buffer.from(bytes), options)).toBeInstanceOf(Uint8Array);
  });

  it("are refused where there are none or too many", async () => {
    expect(await refusal(new Uint8Array())).toMatchObject({ code: "IMAGE_DECODE" });
    const error = await refusal(new Uint8Array(maxBytes + 1));
    expect(error).toMatchObject({ code: "IMAGE_TOO_LARGE", retryable: false });
    expect(error.message).toContain("maxImageBytes");
  });
});

describe("an ArrayBuffer", () => {
  it("is taken whole, at once", async () => {
    const { buffer } = Uint8Array.from(bytes);
    expect(loadImage(buffer, options)).toEqual(bytes);
    expect(await load(runInNewContext("new Uint8Array([1, 2, 3]).buffer") as ArrayBuffer)).toEqual(
      Uint8Array.of(1, 2, 3),
    );
    expect(await refusal(new ArrayBuffer(0))).toMatchObject({ code: "IMAGE_DECODE" });
    expect(await refusal(new ArrayBuffer(maxBytes + 1))).toMatchObject({ code: "IMAGE_TOO_LARGE" });
  });

  it("is refused as empty where it was transferred away", async () => {
    const { buffer } = Uint8Array.from(bytes);
    structuredClone(buffer, { transfer: [buffer] });
    expect(await refusal(buffer)).toMatchObject({ code: "IMAGE_DECODE" });
  });
});

describe("a Blob", () => {
  it("is read whatever its type says, as a File is, and a part of one, and one of a file", async () => {
    expect(await load(new Blob([bytes], { type: "text/plain" }))).toEqual(bytes);
    expect(await load(new File([bytes], "scan.png", { type: "image/png" }))).toEqual(bytes);
    expect(await load(new Blob([Uint8Array.of(9, 9), bytes]).slice(2))).toEqual(bytes);
    expect(await load(await openAsBlob(path.join(folder, "a b.png")))).toEqual(bytes);
  });

  it("is one of another class, and a Response is none", async () => {
    const own: ImageSource = { size: 3, arrayBuffer: () => Promise.resolve(Uint8Array.of(1, 2, 3).buffer) };
    expect(await load(own)).toEqual(Uint8Array.of(1, 2, 3));
    expect(isImageSource(own)).toBe(true);
    expect(isImageSource(new Response(bytes))).toBe(false);
    expect(isImageSource({ size: 3 })).toBe(false);
  });

  it("is not read where it is too large, and refused where it is empty", async () => {
    let read = false;
    const huge = { size: maxBytes + 1, arrayBuffer: () => ((read = true), Promise.resolve(new ArrayBuffer(0))) };
    expect(await refusal(huge)).toMatchObject({ code: "IMAGE_TOO_LARGE" });
    expect(read).toBe(false);
    expect(await refusal(new Blob([]))).toMatchObject({ code: "IMAGE_DECODE" });
    // It says less than it has.
    expect(
      await refusal({ ...huge, size: 1, arrayBuffer: () => Promise.resolve(new ArrayBuffer(maxBytes + 1)) }),
    ).toMatchObject({
      code: "IMAGE_TOO_LARGE",
    });
  });

  it("whose file has changed is not found", async () => {
    const file = path.join(folder, "changing.png");
    await writeFile(file, bytes);
    const blob = await openAsBlob(file);
    await writeFile(file, Buffer.alloc(10));
    expect(await refusal(blob)).toMatchObject({ code: "IMAGE_NOT_FOUND", message: expect.stringContaining("changed") });
  });

  it("is given up on", async () => {
    const controller = new AbortController();
    const slow = { size: 3, arrayBuffer: () => (controller.abort(), Promise.resolve(new ArrayBuffer(3))) };
    const loading = loadImage(slow, { ...options, signal: controller.signal });
    await expect(loading).rejects.toBe(controller.signal.reason);
  });
});

describe("files", () => {
  it("are read from a path, a file: URL and its text", async () => {
    const file = path.join(folder, "a b.png");
    expect(await load(file)).toEqual(bytes);
    expect(await load(path.relative(process.cwd(), file))).toEqual(bytes);
    expect(await load(pathToFileURL(file))).toEqual(bytes);
    expect(await load(pathToFileURL(file).href)).toEqual(bytes);
  });

  // Why a file cannot be read, the addon says: test/native/images and test/engine.
  it("are left to the addon, as are their errors", async () => {
    expect(await refusal(path.join(folder, "missing.png"))).toMatchObject({ code: "IMAGE_NOT_FOUND" });
    expect(await refusal(path.join(folder, "large.png"))).toMatchObject({ code: "IMAGE_TOO_LARGE" });
  });

  it("are given up on before they are read, and after", async () => {
    const controller = new AbortController();
    let reads = 0;
    const readFile = (file: string) => {
      reads++;
      controller.abort();
      return readImage(file, maxBytes);
    };
    const file = path.join(folder, "a b.png");
    for (const wanted of [1, 1]) {
      const loading = Promise.resolve(loadImage(file, { maxBytes, readFile, signal: controller.signal }));
      await expect(loading).rejects.toBe(controller.signal.reason);
      expect(reads).toBe(wanted);
    }
  });
});

describe("data: URLs", () => {
  const base64 = Buffer.from(bytes).toString("base64");

  it.each([
    `data:image/png;base64,${base64}`,
    `DATA:;base64,${base64}`,
    `data:image/png;charset=x;base64,${base64.replace(/(.{60})/g, "$1\n")}`,
    `data:image/png;base64,${encodeURIComponent(base64)}`,
    `data:image/png,${Array.from(bytes, (b) => `%${b.toString(16).padStart(2, "0")}`).join("")}`,
  ])("are decoded: %.40s", async (url) => {
    expect(await load(url)).toEqual(bytes);
  });

  it("are decoded from URL objects too", async () => {
    expect(await load(new URL(`data:image/png;base64,${base64}`))).toEqual(bytes);
  });

  it.each(["data:image/png;base64", "data:image/png;base64,a$b", "data:image/png;base64,===="])(
    "are refused where damaged: %s",
    async (url) => {
      expect(["INVALID_ARGUMENT", "IMAGE_DECODE"]).toContain((await refusal(url)).code);
    },
  );

  it("give back any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (data) => {
        const encoded = Buffer.from(data).toString("base64");
        const out = loadImage(`data:;base64,${encoded}`, options) as Uint8Array;
        expect(Buffer.from(out).equals(Buffer.from(data))).toBe(true);
      }),
    );
  });
});

describe("images in strings that are no clean data: URL", () => {
  /** Files that begin like an image, and go on with every byte. */
  const heads = {
    jpeg: [0xff, 0xd8, 0xff, 0xe0, 0, 16],
    png: [0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10],
    gif: [...Buffer.from("GIF89a")],
    bmp: [...Buffer.from("BM"), 1, 2, 3, 4, 0, 0, 0, 0],
    // Refused by the decoder, by name.
    webp: [...Buffer.from("RIFF"), 1, 2, 3, 4, ...Buffer.from("WEBP")],
    tiff: [...Buffer.from("II*\0")],
    pdf: [...Buffer.from("%PDF-")],
    dicom: [...new Uint8Array(128), ...Buffer.from("DICM")],
  };
  const files = Object.entries(heads).map(([name, head]) => [name, Uint8Array.from([...head, ...bytes])] as const);

  it.each(files)("%s: as plain base64, cut into lines, in base64url, in quotes", async (_, file) => {
    const base64 = Buffer.from(file).toString("base64");
    const url = Buffer.from(file).toString("base64url");
    const lines = base64.replace(/(.{76})/g, "$1\r\n");
    for (const text of [base64, url, lines, ` ${base64}\n`, `"${base64}"`, `'${base64}'`]) {
      expect(await load(text)).toEqual(file);
    }
  });

  const base64 = Buffer.from(bytes).toString("base64");
  it.each([
    ` data:image/png;base64,${base64}`,
    `\n"data:image/png;base64,${base64}"\n`,
    `'data:image/png;base64, ${base64}'`,
    `image/png;base64,${base64}`,
    `"image/svg+xml;charset=utf-8;base64,${base64}"`,
    `;base64,${base64}`,
    `base64,${base64}`,
    `data:base64,${base64}`,
  ])("are taken as they are meant: %.40j", async (text) => {
    expect(await load(text)).toEqual(bytes);
  });

  it("that are too long for a path are never taken for one", async () => {
    const unknown = Buffer.alloc(900, 1).toString("base64");
    expect(await refusal(unknown)).toMatchObject({ code: "IMAGE_NOT_FOUND" }); // it could be a path
    const large = Buffer.alloc(6000, 1).toString("base64");
    expect(await refusal(large)).toMatchObject({ code: "IMAGE_TOO_LARGE" });
    const said = await refusal("The patient has a rash. ".repeat(300));
    expect(said).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(said.message).toBe("image: is a text of 7200 characters, which is no path, no URL and no base64");
  });

  it("stay paths where they could be ones", async () => {
    for (const name of ["/9j/4AAQSkZJRg", "BMAAAAAA", "base64", "image/png", '"quoted.png"', "GIF89a.gif"]) {
      expect(await refusal(name)).toMatchObject({ code: "IMAGE_NOT_FOUND" });
    }
  });

  it("take time in proportion to their length, whatever they are", async () => {
    const began = performance.now();
    for (const unit of [" ", "A", "=", "'", "A =", "data:", "image/", ";"]) {
      for (const end of ["", "!"]) {
        try {
          await loadImage(`A${unit.repeat(3e5)}${end}`, options);
        } catch {
          // refused, in time
        }
      }
    }
    expect(performance.now() - began).toBeLessThan(5000);
  });
});

describe("web addresses", () => {
  let server: Server;
  let origin: string;
  const requests: string[] = [];
  beforeAll(async () => {
    server = createServer((request, response) => {
      requests.push(request.url!);
      const { pathname } = new URL(request.url!, "http://x");
      if (pathname === "/ok") response.end(bytes);
      else if (pathname === "/large") response.end(Buffer.alloc(maxBytes + 1));
      else if (pathname === "/endless") {
        response.writeHead(200);
        const timer = setInterval(() => response.write(Buffer.alloc(400)), 1);
        response.on("close", () => clearInterval(timer));
      } else if (pathname === "/cut") {
        response.writeHead(200, { "content-length": "100" });
        response.write("x");
        setTimeout(() => response.destroy(), 10);
      } else if (pathname === "/slow") void 0;
      else response.writeHead(Number(pathname.slice(1))).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it("are fetched where they are URL objects", async () => {
    expect(await load(new URL(`${origin}/ok`))).toEqual(bytes);
  });

  it("are refused as texts, before anything is sent", async () => {
    requests.length = 0;
    const error = await refusal(`${origin}/ok`);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(error.message).toContain("new URL(address)");
    expect(requests).toEqual([]);
  });

  it.each([
    ["/404", "IMAGE_FETCH", false],
    ["/429", "IMAGE_FETCH", true],
    ["/503", "IMAGE_FETCH", true],
    ["/cut", "IMAGE_FETCH", true],
    ["/large", "IMAGE_TOO_LARGE", false],
    ["/endless", "IMAGE_TOO_LARGE", false],
  ])("%s is refused with %s, retryable %s", async (where, code, retryable) => {
    const error = await refusal(new URL(`${where}?token=SECRET`, origin));
    expect(error).toMatchObject({ code, retryable });
    expect(error.message).not.toContain("SECRET");
  });

  it("are refused where nobody answers", async () => {
    const free = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => free.once("listening", resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    const error = await refusal(new URL(`http://127.0.0.1:${port}/`));
    expect(error).toMatchObject({ code: "IMAGE_FETCH", retryable: true });
  });

  it("are given up on when the signal is aborted", async () => {
    const controller = new AbortController();
    const loading = refusal(new URL(`${origin}/slow`), controller.signal);
    setTimeout(() => controller.abort(), 20);
    expect(await loading).toMatchObject({ name: "AbortError" });
  });

  it("of other kinds are refused", async () => {
    expect(await refusal(new URL("ftp://127.0.0.1/x"))).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await refusal(new URL("file://host/x"))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
