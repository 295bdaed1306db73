/** The packed package's types in the oldest TypeScript that reads them, with nothing of the checks left out. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, expect, it } from "vitest";

import { npm, packInto, repository } from "./support.js";

/** As docs/reference/typescript.md says. */
const oldest = "5.7.2";

const consumer = `
import { Engine, MedInferError, devices, renderChat } from "medinfer";
import type { ChatOptions, GenerationEvent, Session } from "medinfer";

export async function main(): Promise<void> {
  const options: ChatOptions = { messages: [{ role: "user", content: "What is gout?" }], nPredict: 8 };
  const engine = await Engine.load({ nThreads: 1 });
  try {
    const jsonSchema = { type: "object", properties: { a: { const: 1 } }, required: ["a"] } as const;
    const generation = engine.chat({ ...options, jsonSchema });
    for await (const event of generation) {
      const each: GenerationEvent = event;
      if (each.type === "text") process.stdout.write(each.text);
    }
    const one: 1 | undefined = (await generation.result).parsed?.a;
    const session: Session = engine.session();
    session.close();
    for await (const { row, error } of engine.annotate([{ prompt: "a", mine: 1 }])) {
      console.log(row.mine + (one ?? 0), error?.code);
    }
    const { values } = await engine.embedImage("a.png");
    const numbers: Float32Array = values;
    console.log(devices().map(({ name }) => name), renderChat("vicuna", []).prompt, numbers.length);
  } catch (error) {
    if (error instanceof MedInferError) console.error(error.code, error.issues.length);
  } finally {
    await engine.close();
  }
}
`;
const wrong = `${consumer}\nexport const wrong = Engine.load({ nCtx: "a" });\n`;

let workspace: string;
let folder: string;

beforeAll(() => {
  workspace = realpathSync(mkdtempSync(path.join(tmpdir(), "medinfer-typescript-")));
  const tarball = packInto(workspace);
  folder = path.join(workspace, "project");
  mkdirSync(folder);
  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "typed", private: true }));
  const { devDependencies } = JSON.parse(readFileSync(path.join(repository, "package.json"), "utf8")) as {
    devDependencies: Record<string, string>;
  };
  const packages = [`typescript@${oldest}`, `@types/node@${devDependencies["@types/node"]}`];
  npm(folder, ["install", "--ignore-scripts", "--no-audit", "--no-fund", tarball, ...packages]);
  for (const kind of ["mts", "cts"]) {
    writeFileSync(path.join(folder, `consumer.${kind}`), consumer);
    writeFileSync(path.join(folder, `wrong.${kind}`), wrong);
  }
});

afterAll(() => {
  rmSync(workspace, { recursive: true, force: true });
});

function compile(file: string): string {
  const flags = ["--noEmit", "--strict", "--skipLibCheck", "false", "--target", "es2022", "--types", "node"];
  const { stdout } = spawnSync(
    process.execPath,
    ["node_modules/typescript/lib/tsc.js", ...flags, "--module", "node16", "--moduleResolution", "node16", file],
    { cwd: folder, encoding: "utf8" },
  );
  return stdout;
}

it.each(["mts", "cts"])(`compiles with TypeScript ${oldest}, as a module of the kind %s`, (kind) => {
  expect(compile(`consumer.${kind}`)).toBe("");
  expect(compile(`wrong.${kind}`)).toMatch(/^wrong\.\w+\(\d+,\d+\): error TS2322: .*\n$/);
});

it("is the version that the documentation names", () => {
  const text = readFileSync(path.join(repository, "docs", "reference", "typescript.md"), "utf8");
  expect(text).toContain(`TypeScript ${oldest.replace(/\.\d+$/, "")} `);
});
