/** The package where there is nothing of Node's. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import vm from "node:vm";

import { expect, it } from "vitest";

const require = createRequire(import.meta.url);

/** Loads a CommonJS file and what it requires in a realm that has what browsers and Node both have, and no more. */
function load(file: string, realm: vm.Context, loaded = new Map<string, unknown>()): Record<string, unknown> {
  if (loaded.has(file)) return loaded.get(file) as Record<string, unknown>;
  if (file.endsWith(".json")) return JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  const module = { exports: {} };
  loaded.set(file, module.exports);
  const within = createRequire(file);
  const own = (name: string) => {
    if (name.startsWith("node:")) throw new Error(`${file} needs ${name}`);
    return load(within.resolve(name), realm, loaded);
  };
  const source = `(function (module, exports, require) {${readFileSync(file, "utf8")}\n})`;
  (vm.runInContext(source, realm, { filename: file }) as (...all: unknown[]) => void)(module, module.exports, own);
  loaded.set(file, module.exports);
  return module.exports;
}

it("finds evidence and makes FHIR in a browser's realm", () => {
  const realm = vm.createContext({ TextEncoder, btoa });
  realm.extract = load(path.join(path.dirname(require.resolve("../package.json")), "dist", "index.js"), realm);
  const printed = vm.runInContext(
    `(() => {
      const text = '{"patient":"Jos\\u00e9 Kern","date":"6 Oct 2026","diagnosis":"Gout"}';
      const logprobs = [{ bytes: Array.from(new TextEncoder().encode(text)), logprobBefore: -0.01 }];
      const words = [{ text: "Gout.", box: { x: 1, y: 2, width: 3, height: 4 } }];
      const calibration = extract.embeddedCalibration;
      const { fields } = extract.evidenceOf({ text, logprobs, calibration, pages: [{ number: 1, text: { text: "", words } }] });
      const { bundle } = extract.toFhir({
        fields,
        mapping: extract.answerMapping,
        codes: { conditions: extract.CodeTable.fromCsv("text,system,code\\ngout,urn:x:y,1") },
        model: { name: "m" },
        source: { sha256: "00".repeat(32), contentType: "image/png" },
        recorded: "2026-11-30T10:00:00Z",
      });
      return JSON.stringify([fields.diagnosis.box, bundle.entry[1].resource.code.coding, typeof Buffer + typeof process]);
    })()`,
    realm,
  ) as string;
  expect(JSON.parse(printed)).toEqual([
    { x: 1, y: 2, width: 3, height: 4 },
    [{ system: "urn:x:y", code: "1" }],
    "undefinedundefined",
  ]);
});
