/** The README says what the code does: its examples are the files, its tables name every option and code. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, vi } from "vitest";
import { loadOptionsSchema } from "../../lib/options/load-options.js";
import { chatOptionsSchema, completeOptionsSchema } from "../../lib/options/request-options.js";
import { samplingKeys } from "../../lib/sampling/schema.js";
import { packageRoot } from "./support/fake-binding.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

const read = (...parts: string[]) => readFileSync(path.join(packageRoot, ...parts), "utf8");
const readme = read("README.md");
const shown = [...readme.matchAll(/^`(examples\/[\w.-]+)`\n\n```js\n([\s\S]*?)```/gm)];

describe("the README", () => {
  it.each(shown.map(([, file, code]) => [file!, code!]))("shows %s as it is", (file, code) => {
    expect(code).toBe(read(...file.split("/")));
  });

  it("shows every example but the demo, which it runs", () => {
    const files = readdirSync(path.join(packageRoot, "examples")).filter((name) => /\.[cm]js$/.test(name));
    const all = files.filter((name) => name !== "demo.mjs").map((name) => `examples/${name}`);
    expect(shown.map(([, file]) => file).sort()).toEqual(all.sort());
    expect(readme).toContain("npm run demo");
  });

  it("names every option", () => {
    const schemas = [loadOptionsSchema, chatOptionsSchema, completeOptionsSchema];
    const names = [...schemas.flatMap((schema) => Object.keys(schema.entries)), ...samplingKeys];
    for (const name of names) expect(readme, name).toContain(`\`${name}`);
  });

  it("lists every error code, as the type does", () => {
    const inReadme = [...readme.matchAll(/^\| `([A-Z_]+)` +\|/gm)].map(([, code]) => code);
    const inDocs = [...read("lib", "errors.ts").matchAll(/^ \* \| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    expect(inReadme.sort()).toEqual(inDocs.sort());
  });
});
