import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { npm, repository } from "./support.js";

const prebuilds = path.join(repository, "prebuilds");

/** What a user writes first. One body, two module systems. */
const body = `
  const engine = await Engine.load({ nCtx: 512 });
  const result = await engine.complete({ prompt: "Extract", nPredict: 8, sampling: { temperature: 0 } }).result;
  await engine.close();
  console.log(JSON.stringify({
    devices: devices().map((device) => device.backend),
    tokens: result.usage.completionTokens,
    text: result.text,
    code: await Engine.load({ model: "no-such-file.gguf" }).catch((error) => error.code),
    typed: await Engine.load({ model: "no-such-file.gguf" }).catch((error) => error instanceof MedInferError),
  }));
`;
const programs = {
  "use.mjs": `import { Engine, MedInferError, devices } from "medinfer";\n${body}`,
  "use.cjs": `const { Engine, MedInferError, devices } = require("medinfer");\n(async () => {${body}})();`,
  "same.mjs": `
    import { createRequire } from "node:module";
    import * as esm from "medinfer";
    const cjs = createRequire(import.meta.url)("medinfer");
    const names = (module) => Object.keys(module).filter((name) => name !== "default" && name !== "module.exports").sort();
    console.log(JSON.stringify({ esm: names(esm), cjs: names(cjs), same: names(cjs).every((name) => esm[name] === cjs[name]) }));
  `,
};

let workspace: string;
let tarball: string;

/** An empty project that holds only the programs above. */
function emptyProject(name: string): string {
  const folder = path.join(workspace, name);
  mkdirSync(folder);
  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name, private: true }));
  for (const [file, text] of Object.entries(programs)) writeFileSync(path.join(folder, file), text);
  return folder;
}

function runProgram(folder: string, file: string): Record<string, unknown> {
  const output = execFileSync(process.execPath, [file], { cwd: folder, encoding: "utf8" });
  return JSON.parse(output) as Record<string, unknown>;
}

function expectItWorks(folder: string) {
  const results = ["use.mjs", "use.cjs"].map((file) => runProgram(folder, file));
  for (const result of results) {
    expect(result).toMatchObject({ code: "MODEL_NOT_FOUND", typed: true });
    expect(result.devices).toContain("cpu");
    expect(result.tokens).toBeGreaterThan(0);
  }
  expect(results[0]).toEqual(results[1]);
}

beforeAll(() => {
  workspace = mkdtempSync(path.join(tmpdir(), "medinfer-package-"));
  // Without a prebuilt addon for every CPU, one for this CPU serves: it takes the same path.
  const made = !existsSync(prebuilds);
  if (made) execFileSync(process.execPath, ["scripts/prebuild.mjs", "--native"], { cwd: repository, stdio: "ignore" });
  try {
    npm(repository, ["pack", "--pack-destination", workspace]);
  } finally {
    if (made) rmSync(prebuilds, { recursive: true, force: true });
  }
  const [file] = readdirSync(workspace).filter((name) => name.endsWith(".tgz"));
  if (!file) throw new Error("npm pack made no tarball");
  tarball = path.join(workspace, file);
});

afterAll(() => {
  rmSync(workspace, { recursive: true, force: true });
});

describe("the packed package", () => {
  it("carries nothing that its users have no use for", () => {
    const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).split("\n");
    expect(files.filter((file) => /^package\/(test|benchmarks|out|build|node_modules|\.git)/.test(file))).toEqual([]);
    expect(files.filter((file) => /\.(mp3|mp4|jpe?g|tgz)$/.test(file))).toEqual([]);
  });

  it("installs from its prebuilt addon into an empty folder, and compiles nothing", () => {
    const folder = emptyProject("from-prebuild");
    npm(folder, ["install", tarball]);
    expect(existsSync(path.join(folder, "node_modules", "medinfer", "build"))).toBe(false);
    expectItWorks(folder);
  });

  it("is one set of classes for import and require", () => {
    const { esm, cjs, same } = runProgram(path.join(workspace, "from-prebuild"), "same.mjs");
    expect(esm).toEqual(cjs);
    expect(same).toBe(true);
  });

  it("compiles from the source that it carries, with no network", () => {
    const folder = emptyProject("from-source");
    npm(folder, ["install", "--ignore-scripts", tarball]);
    const installed = path.join(folder, "node_modules", "medinfer");
    rmSync(path.join(installed, "prebuilds"), { recursive: true });
    // Nothing answers there: whatever asked the network would fail.
    const nowhere = "http://127.0.0.1:9";
    const env = { HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, http_proxy: nowhere, https_proxy: nowhere };
    npm(folder, ["rebuild", "medinfer", "--offline"], { ...env, npm_config_registry: nowhere });
    expect(readdirSync(path.join(installed, "build", "Release"))).toContain("medinfer.node");
    expectItWorks(folder);
  });

  it("rebuilds through node-gyp's shim, with what is compiled already", () => {
    const installed = path.join(workspace, "from-source", "node_modules", "medinfer");
    const nodeGyp = path.join(repository, "node_modules", "node-gyp", "bin", "node-gyp.js");
    const prefix = path.resolve(path.dirname(process.execPath), "..");
    const headers = existsSync(path.join(prefix, "include", "node")) ? ["--nodedir", prefix] : [];
    execFileSync(process.execPath, [nodeGyp, "rebuild", ...headers], { cwd: installed, stdio: "pipe" });
    expectItWorks(path.join(workspace, "from-source"));
  });
});
