/** The linter's rules on who may import whom, tried on imports that they must refuse. */
import path from "node:path";

import { ESLint } from "eslint";
import { beforeAll, describe, expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");

let eslint: ESLint;
beforeAll(() => {
  eslint = new ESLint({
    cwd: root,
    // With CI=true, the parser takes a file's first text from the disk, whatever text it is given.
    overrideConfig: {
      files: ["lib/**/*.ts", "packages/*/src/**/*.ts"],
      languageOptions: { parserOptions: { disallowAutomaticSingleRunInference: true } },
    },
    ruleFilter: ({ ruleId }) => /stay-inside|no-restricted-imports/.test(ruleId),
  });
});

/** What the linter says of one import in a file that is there, whose text it is instead. */
async function complaints(file: string, name: string): Promise<string[]> {
  const [result] = await eslint.lintText(`export * from ${JSON.stringify(name)};\n`, {
    filePath: path.join(root, file),
  });
  return result!.messages.map(({ message }) => message);
}

describe("an import across a border is refused:", () => {
  const program = "packages/cli/src/commands/devices.ts";
  it.each([
    // packages/* -> the library's name
    [program, "../../../../lib/index.js"],
    [program, "../../../../dist/index.js"],
    [program, "../../../../package.json"],
    [program, "../../../../test/support/gguf.mjs"],
    [program, "../../../server/src/index.js"],
    [program, "medinfer/dist/index.js"],
    ["packages/cli/test/devices.test.ts", "../../../lib/index.js"],
    ["packages/cli/test/devices.test.ts", "../../../test/unit/support/collect.js"],
    ["packages/cli/bin/medinfer.js", "../../../dist/index.js"],
    // lib/ -> no package
    ["lib/index.ts", "../packages/cli/src/program.js"],
    ["lib/index.ts", "@medinfer/cli"],
    // lib/: index -> engine -> what it is made of -> native/addon -> errors -> excerpt
    ["lib/excerpt.ts", "./errors.js"],
    ["lib/errors.ts", "./tokens.js"],
    ["lib/native/addon.ts", "../engine.js"],
    ["lib/native/addon.ts", "./dispatcher.js"],
    ["lib/load.ts", "./engine.js"],
    ["lib/tokens.ts", "./engine.js"],
    ["lib/tokens.ts", "./index.js"],
    ["lib/tokens.ts", "./native/addon.js"],
    ["lib/engine.ts", "./index.js"],
    ["lib/engine.ts", "./native/addon.js"],
  ])("%s from %s", async (file, name) => {
    expect(await complaints(file, name)).toHaveLength(1);
  });
});

it.each([
  ["packages/cli/src/commands/devices.ts", "medinfer"],
  ["packages/cli/src/commands/devices.ts", "@medinfer/server"],
  ["packages/cli/src/commands/devices.ts", "commander"],
  ["packages/cli/src/commands/devices.ts", "../output.js"],
  ["packages/cli/test/devices.test.ts", "../src/output.js"],
  ["packages/cli/test/devices.test.ts", "../../../test/support/gguf.mjs"],
  ["packages/cli/bin/medinfer.js", "../dist/main.js"],
  ["lib/index.ts", "./engine.js"],
  ["lib/load.ts", "./native/addon.js"],
  ["lib/errors.ts", "./excerpt.js"],
])("%s may import %s", async (file, name) => {
  expect(await complaints(file, name)).toEqual([]);
});
