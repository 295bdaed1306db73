// Files whose metadata is wrong: each is refused, or fails, by a typed error, or works. Outside CI for minutes:
// `npm run fuzz:metadata`.
import path from "node:path";

import { describe, expect, test } from "vitest";

import { adapterBases, fuzzBases } from "../fuzz/metadata/bases.mjs";
import { MetadataFuzzer } from "../fuzz/metadata/fuzz.mjs";
import { fromRoot } from "../support/paths.mjs";

const scratch = fromRoot("out", "fuzz", "metadata");

describe("changed metadata neither ends the process nor hangs", () => {
  test.each([
    { of: "models", refused: "BAD_GGUF", kinds: 20, cases: 150 },
    { of: "projectors", refused: "BAD_MMPROJ", kinds: 40, cases: 60 },
    { of: "adapters", refused: "BAD_LORA", kinds: 20, cases: 150 },
  ])("of $of", async ({ of, refused, kinds, cases }) => {
    const found = fuzzBases({ scratch, projectors: of === "projectors" });
    const bases = of === "adapters" ? adapterBases(found) : found;
    expect(new Set(bases.map(({ architecture }) => architecture)).size).toBeGreaterThanOrEqual(kinds);
    const fuzzer = new MetadataFuzzer({ bases, scratch: path.join(scratch, "cases") });
    const report = await fuzzer.fuzz({ seed: 1, goesOn: (ran) => ran < cases });
    fuzzer.close();
    expect(report.findings).toEqual([]);
    expect(report.states.ran).toBeGreaterThan(0);
    // An adapter comes to an engine that is there.
    expect(report.states[`${of === "adapters" ? "failed" : "refused"} ${refused}`]).toBeGreaterThan(0);
  });
});
