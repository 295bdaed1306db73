import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { CleanResults } from "../../scripts/lib/clean-results.mjs";

let base: string;
let root: string;
let folder: string;

beforeEach(() => {
  base = mkdtempSync(path.join(os.tmpdir(), "medinfer-results-"));
  [root, folder] = [path.join(base, "one"), path.join(base, "kept")];
  mkdirSync(path.join(root, "sub"), { recursive: true });
  writeFileSync(path.join(root, "sub", "below.h"), "inline int Below() { return 1; }\n");
  writeFileSync(path.join(root, "header.h"), '#include "sub/below.h"\n');
  writeFileSync(path.join(root, "file.cc"), '#include "header.h"\nint main() { return Below(); }\n');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function results({ at = root, common = ["1.0"], flags = "", kept = folder } = {}) {
  const file = path.join(at, "file.cc");
  const command = `c++ -I${at} ${flags} -o file.o -c ${file}`;
  return {
    known: new CleanResults({ root: at, common, commands: [{ file, directory: at, command }], folder: kept }),
    file,
  };
}

async function keyOf(about: Parameters<typeof results>[0] = {}) {
  const { known, file } = results(about);
  return known.keyOf(file);
}

describe("a result", () => {
  it("is known again until it is a month old", async () => {
    const { known, file } = results();
    const key = await known.keyOf(file);
    expect(known.has(key)).toBe(false);
    known.add(key);
    expect(results().known.has(key)).toBe(true);
    const old = new Date(Date.now() - 31 * 24 * 60 * 60 * 1000);
    utimesSync(path.join(folder, key!), old, old);
    expect(results().known.has(key)).toBe(false);
  });

  it("is that of a clone elsewhere", async () => {
    const other = path.join(base, "elsewhere");
    cpSync(root, other, { recursive: true });
    expect(await keyOf({ at: other })).toBe(await keyOf());
  });

  it.each([
    ["the file", () => writeFileSync(path.join(root, "file.cc"), "// NOLINT\nint main() {}\n")],
    ["a header", () => writeFileSync(path.join(root, "header.h"), '#include "sub/below.h"\n// more\n')],
    [
      "a header of a header",
      () => writeFileSync(path.join(root, "sub", "below.h"), "inline int Below() { return 2; }\n"),
    ],
  ])("is another one where %s changes", async (_what, change) => {
    const before = await keyOf();
    change();
    expect(await keyOf()).not.toBe(before);
  });

  it("is another one with other flags, settings or tools", async () => {
    const keys = [await keyOf(), await keyOf({ flags: "-DX" }), await keyOf({ common: ["2.0"] })];
    expect(new Set([...keys, await keyOf({ common: ["1", ".0"] })]).size).toBe(4);
  });

  it("is none where the file does not compile, is not in the database, or nothing is to be kept", async () => {
    expect(await keyOf({ kept: "" })).toBeUndefined();
    const { known, file } = results();
    expect(await known.keyOf(path.join(root, "header.h"))).toBeUndefined();
    writeFileSync(path.join(root, "header.h"), '#include "missing.h"\n');
    expect(await known.keyOf(file)).toBeUndefined();
    known.add(undefined);
    expect(known.has(undefined)).toBe(false);
  });
});
