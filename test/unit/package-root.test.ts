/** Where the package is found: by who lies in it, by who was bundled, and in archives. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPackage } from "../../lib/package-root.js";
import { thrown } from "./support/collect.js";
import { packageRoot } from "./support/fake-binding.js";

const { version } = JSON.parse(readFileSync(path.join(packageRoot, "package.json"), "utf8")) as { version: string };

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), "medinfer-root-")));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A package's folder. */
function install(where: string, facts: object): string {
  const root = path.join(folder, where);
  mkdirSync(path.join(root, "dist"), { recursive: true });
  writeFileSync(path.join(root, "package.json"), JSON.stringify(facts));
  return root;
}

describe("the package's folder", () => {
  it("is the one that the file lies in", () => {
    expect(findPackage(path.join(packageRoot, "lib", "x.js"), [])).toBe(packageRoot);
    const other = install("plain/node_modules/medinfer", { name: "medinfer", version: "9.9.9" });
    expect(findPackage(path.join(other, "dist", "x.js"), [])).toBe(other);
  });

  it("is the one that is installed for the bundle, or for the program", () => {
    const app = install("app", { name: "app" });
    const root = install("app/node_modules/medinfer", { name: "medinfer", version });
    const bundle = path.join(app, "dist", "bundle.js");
    expect(findPackage(bundle, [bundle])).toBe(root);
    expect(findPackage(undefined, [undefined, bundle])).toBe(root);
    expect(findPackage("/index.js", ["/index.js", bundle])).toBe(root);
  });

  it("is none where it is not installed, or in another version: the error says what to do", () => {
    const bare = install("bare", { name: "bare" });
    const bundle = path.join(bare, "dist", "bundle.js");
    const missing = thrown(() => findPackage(bundle, [bundle, undefined, "no path"]));
    expect(missing).toMatchObject({ code: "BACKEND_LOST" });
    expect(missing.message).toMatch(/bundle.*external.*serverExternalPackages.*npm install medinfer/);
    install("bare/node_modules/medinfer", { name: "medinfer", version: "0.0.1" });
    const other = thrown(() => findPackage(bundle, [bundle]));
    expect(other).toMatchObject({ code: "BACKEND_LOST" });
    expect(other.message).toContain(version);
    expect(other.message).toContain("0.0.1");
  });

  it("lies beside an archive of Electron, not in it", () => {
    const packed = install("app.asar/node_modules/medinfer", { name: "medinfer", version });
    const file = path.join(packed, "dist", "x.js");
    const inside = thrown(() => findPackage(file, []));
    expect(inside).toMatchObject({ code: "BACKEND_LOST" });
    expect(inside.message).toContain("asarUnpack");
    const unpacked = install("app.asar.unpacked/node_modules/medinfer", { name: "medinfer", version });
    expect(findPackage(file, [])).toBe(unpacked);
    expect(findPackage(path.join(unpacked, "dist", "x.js"), [])).toBe(unpacked);
  });
});
