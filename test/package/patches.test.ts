import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { repository } from "./support.js";

/** A clone of ours and, beside it, a user's checkout of llama.cpp with one line in its header. */
let folder: string;
let checkout: string;
const header = () => path.join(checkout, "include", "llama.h");

const patchOf = (before: string, after: string) =>
  `--- a/include/llama.h\n+++ b/include/llama.h\n@@ -1 +1 @@\n-${before}\n+${after}\n`;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "medinfer-patches-"));
  checkout = path.join(folder, "llama.cpp");
  for (const name of ["scripts", "package.json"]) {
    cpSync(path.join(repository, name), path.join(folder, name), { recursive: true });
  }
  mkdirSync(path.join(folder, "native", "patches"), { recursive: true });
  mkdirSync(path.dirname(header()), { recursive: true });
  writeFileSync(header(), "int before;\n");
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function fetchLlama(llama = checkout) {
  const env = { ...process.env, MEDINFER_LLAMA_CPP: llama };
  const args = ["scripts/fetch-llama.mjs"];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, env, encoding: "utf8" });
  return { status, stdout: stdout.trim(), stderr: stderr.trim() };
}

const addPatch = (name: string, text: string) => writeFileSync(path.join(folder, "native", "patches", name), text);

describe("patches to a checkout of the user's own", () => {
  it("are applied once", () => {
    addPatch("0001-rename.patch", patchOf("int before;", "int after;"));
    expect(fetchLlama()).toEqual({ status: 0, stdout: "applied 0001-rename.patch", stderr: "" });
    expect(readFileSync(header(), "utf8")).toBe("int after;\n");
    expect(fetchLlama()).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  it("stop with their name where they do not apply, and leave nothing behind", () => {
    addPatch("0001-rename.patch", patchOf("int before;", "int after;"));
    addPatch("0002-other.patch", patchOf("int elsewhere;", "int after;"));
    const { status, stderr } = fetchLlama();
    expect(status).toBe(1);
    expect(stderr).toMatch(/^medinfer: patch 0002-other\.patch does not apply to llama\.cpp v[\d.]+: .*$/);
    expect(readFileSync(header(), "utf8")).toBe("int before;\n");
  });

  it("are not laid over those of another version", () => {
    addPatch("0001-rename.patch", patchOf("int before;", "int after;"));
    fetchLlama();
    addPatch("0002-again.patch", patchOf("int after;", "int last;"));
    const { status, stderr } = fetchLlama();
    expect(status).toBe(1);
    expect(stderr).toMatch(/^medinfer: .* carries other medinfer patches than this version's: restore it with .*$/);
  });

  it("need a checkout", () => {
    const { status, stderr } = fetchLlama(path.join(folder, "nowhere"));
    expect(status).toBe(1);
    expect(stderr).toMatch(/^medinfer: MEDINFER_LLAMA_CPP=.* holds no llama\.cpp \(no include\/llama\.h\)$/);
  });
});
