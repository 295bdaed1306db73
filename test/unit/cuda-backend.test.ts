/** Where the CUDA backend is looked for, and why it is not taken. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findCudaBackend } from "../../lib/native/cuda-backend.js";

let root: string;
let packageFile: string;
beforeAll(() => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), "medinfer-cuda-")));
  writeFileSync(path.join(root, "package.json"), JSON.stringify({ name: "medinfer", version: "1.2.3" }));
  const folder = path.join(root, "node_modules", "@medinfer", "linux-x64-cuda");
  mkdirSync(folder, { recursive: true });
  packageFile = path.join(folder, "package.json");
});
afterAll(() => rmSync(root, { recursive: true }));

const find = () => findCudaBackend(path.join(root, "build"), root);

describe.runIf(process.platform === "linux" && process.arch === "x64")("the CUDA backend", () => {
  it("is missing, and the message says how to get it", () => {
    rmSync(packageFile, { force: true });
    expect(find().path).toBeUndefined();
    expect(find().problem).toContain("npm install @medinfer/linux-x64-cuda@1.2.3");
  });

  it("is there in the same version", () => {
    writeFileSync(packageFile, JSON.stringify({ version: "1.2.3" }));
    expect(find()).toEqual({ path: path.join(path.dirname(packageFile), "libggml-cuda.so") });
  });

  it.each([
    ["another version", JSON.stringify({ version: "1.2.2" }), "is of version 1.2.2"],
    ["a damaged package", "{", "is damaged"],
  ])("is reported as of %s, not as missing", (_name, text, part) => {
    writeFileSync(packageFile, text);
    const { path: found, problem, surprising } = find();
    expect(found).toBeUndefined();
    expect(problem).toContain(part);
    expect(problem).not.toContain("not installed");
    expect(surprising).toBe(true);
  });

  it("is the one beside the addon, where somebody has built it", () => {
    mkdirSync(path.join(root, "build"));
    writeFileSync(path.join(root, "build", "libggml-cuda.so"), "");
    expect(find()).toEqual({ path: path.join(root, "build", "libggml-cuda.so") });
  });
});
