import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { writeCudaPackage } from "../../scripts/lib/cuda-package.mjs";
import { fakeCudaDir } from "../support/tools.mjs";
import { npm, packInto, repository } from "./support.js";

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
  "gpu.mjs": `
    import { Engine, devices } from "medinfer";
    const warnings = [];
    process.on("warning", ({ name, message }) => name === "MedInferWarning" && warnings.push(message));
    const { code, message } = await Engine.load({ device: "cuda", nCtx: 512 }).catch((error) => error);
    const engine = await Engine.load({ device: "auto", nCtx: 512 });
    const { text } = await engine.complete({ prompt: "Extract", nPredict: 8, ignoreEos: true }).result;
    await engine.close();
    await new Promise((resolve) => setImmediate(resolve));
    const backends = devices().map((device) => device.backend);
    console.log(JSON.stringify({ code, message, warnings, backends, spoke: text.length > 0 }));
  `,
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

const { devDependencies } = JSON.parse(readFileSync(path.join(repository, "package.json"), "utf8")) as {
  devDependencies: Record<string, string>;
};
/** What compiles from source, as the message names it. */
const cmakeJs = `cmake-js@${devDependencies["cmake-js"]}`;

/** Names of all packages that are installed for a project. */
function installedIn(folder: string): string[] {
  const [, ...paths] = npm(folder, ["ls", "--all", "--parseable"]).trim().split("\n");
  return paths.map((each) => each.slice(each.lastIndexOf("node_modules/") + "node_modules/".length)).sort();
}

/** An empty project that holds only the programs above. */
function emptyProject(name: string): string {
  const folder = path.join(workspace, name);
  mkdirSync(folder);
  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name, private: true }));
  for (const [file, text] of Object.entries(programs)) writeFileSync(path.join(folder, file), text);
  return folder;
}

function runProgram(folder: string, file: string, extra: NodeJS.ProcessEnv = {}): Record<string, unknown> {
  const env = { ...process.env, NODE_OPTIONS: "--no-warnings", ...extra };
  const output = execFileSync(process.execPath, [file], { cwd: folder, env, encoding: "utf8" });
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
  tarball = packInto(workspace);
});

afterAll(() => {
  rmSync(workspace, { recursive: true, force: true });
});

describe("the packed package", () => {
  it("carries nothing that its users have no use for", () => {
    const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).split("\n");
    expect(
      files.filter((file) => /^package\/(test|benchmarks|out|build|packages|node_modules|\.git)/.test(file)),
    ).toEqual([]);
    expect(files.filter((file) => /\.(mp3|mp4|jpe?g|tgz)$/.test(file))).toEqual([]);
  });

  it("installs from its prebuilt addon into an empty folder, and compiles nothing", () => {
    const folder = emptyProject("from-prebuild");
    npm(folder, ["install", tarball]);
    expect(existsSync(path.join(folder, "node_modules", "medinfer", "build"))).toBe(false);
    expectItWorks(folder);
  });

  it("brings what it needs to run, and no more", () => {
    expect(installedIn(path.join(workspace, "from-prebuild"))).toEqual([
      "@eslint-community/regexpp",
      "medinfer",
      "node-addon-api",
      "node-api-headers",
      "node-gyp-build",
      "valibot",
    ]);
  });

  it("is one set of classes for import and require", () => {
    const { esm, cjs, same } = runProgram(path.join(workspace, "from-prebuild"), "same.mjs");
    expect(esm).toEqual(cjs);
    expect(same).toBe(true);
  });

  it("says in one sentence what compiling needs, where no prebuilt addon loads", () => {
    const folder = emptyProject("without-cmake-js");
    npm(folder, ["install", "--ignore-scripts", tarball]);
    const installed = path.join(folder, "node_modules", "medinfer");
    rmSync(path.join(installed, "prebuilds"), { recursive: true });
    const { status, stderr } = spawnSync(process.execPath, ["scripts/install.mjs"], {
      cwd: installed,
      encoding: "utf8",
    });
    expect(status).toBe(1);
    expect(stderr).toBe(
      `medinfer: compiling the addon for this machine needs cmake-js: run "npm install medinfer ${cmakeJs}"\n`,
    );
  });

  it("compiles from the source that it carries, with no network", () => {
    const folder = emptyProject("from-source");
    npm(folder, ["install", "--ignore-scripts", tarball, cmakeJs]);
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

/** Packs a package of packages/, and returns its tarball and what is in it. */
function packWorkspace(name: string): { file: string; files: string[] } {
  const folder = path.join(workspace, `tarball-of-${name}`);
  mkdirSync(folder);
  npm(repository, ["pack", "--workspace", `@medinfer/${name}`, "--pack-destination", folder]);
  const [packed] = readdirSync(folder);
  const file = path.join(folder, packed!);
  return { file, files: execFileSync("tar", ["-tzf", file], { encoding: "utf8" }).trim().split("\n") };
}

const serverBody = `
  const server = await listen({ models: [{ name: "tiny", keepLoaded: true }], port: 0 });
  await server.service.start();
  const body = JSON.stringify({ model: "tiny", max_tokens: 8, messages: [{ role: "user", content: "What is gout?" }] });
  const headers = { "content-type": "application/json" };
  const response = await fetch(server.url + "/v1/chat/completions", { method: "POST", headers, body });
  const { choices } = await response.json();
  const { openapi } = await (await fetch(server.url + "/openapi.json")).json();
  await server.close();
  console.log(JSON.stringify({ spoke: choices[0].message.content.length > 0, openapi, problem: new Problem(400, "x", "").status }));
`;

describe("the packed server and command line", () => {
  let folder: string;
  const carried = /^package\/(bin|dist)\/|^package\/(package\.json|README\.md)$/;

  beforeAll(() => {
    const packed = ["server", "documents", "extract", "batch", "cli"].map(packWorkspace);
    for (const { files } of packed) expect(files.filter((file) => !carried.test(file))).toEqual([]);
    folder = emptyProject("with-cli");
    npm(folder, ["install", tarball, ...packed.map(({ file }) => file)]);
  });

  it("bring few packages, and none that is compiled", () => {
    const librarys = installedIn(path.join(workspace, "from-prebuild"));
    const others = installedIn(folder).filter((name) => !librarys.includes(name));
    const ours = ["batch", "cli", "documents", "extract", "server"].map((name) => `@medinfer/${name}`);
    expect(others).toEqual(expect.arrayContaining([...ours, "commander", "hono"]));
    expect(others.length).toBeLessThanOrEqual(110);
    expect(existsSync(path.join(folder, "node_modules", "bindings"))).toBe(false);
  });

  it.each([
    ["serve.mjs", `import { listen, Problem } from "@medinfer/server";\n${serverBody}`],
    ["serve.cjs", `const { listen, Problem } = require("@medinfer/server");\n(async () => {${serverBody}})();`],
  ])("serves from %s", (name, text) => {
    writeFileSync(path.join(folder, name), text);
    const out = execFileSync(process.execPath, [name], { cwd: folder, encoding: "utf8" });
    expect(JSON.parse(out)).toEqual({ spoke: true, openapi: "3.1.0", problem: 400 });
  });

  it.each([
    ["read.mjs", (names: string, from: string) => `import { ${names} } from "${from}";`],
    ["read.cjs", (names: string, from: string) => `const { ${names} } = require("${from}");`],
  ])("reads documents, keeps a queue and tells evidence from %s", (name, taken) => {
    const pdf = JSON.stringify(path.join(repository, "packages", "documents", "examples", "referral.pdf"));
    const body = `
      (async () => {
        const pages = [];
        for await (const { kind, number, width } of readDocument(${pdf}, { dpi: 72 })) pages.push([kind, number, width > 0]);
        const queue = await openQueue("dir:queue-of-${name}");
        const runs = await listRuns(queue);
        await queue.close();
        console.log(JSON.stringify({ pages, runs, evidence: typeof evidenceOf }));
      })();`;
    const imports = [
      taken("readDocument", "@medinfer/documents"),
      taken("openQueue, listRuns", "@medinfer/batch"),
      taken("evidenceOf", "@medinfer/extract"),
    ];
    writeFileSync(path.join(folder, name), [...imports, body].join("\n"));
    const out = execFileSync(process.execPath, [name], { cwd: folder, encoding: "utf8" });
    const pages = [1, 2].map((number) => ["pdf", number, true]);
    expect(JSON.parse(out)).toEqual({ pages, runs: [], evidence: "function" });
  });

  it("runs through npx", () => {
    const found = JSON.parse(npm(folder, ["exec", "--offline", "medinfer", "--", "devices", "--json"])) as {
      name: string;
    }[];
    expect(found.map(({ name }) => name)).toContain("CPU");
    expect(execFileSync("npx", ["--no", "medinfer", "devices"], { cwd: folder, encoding: "utf8" })).toMatch(/^CPU /m);
  });

  it("has its pictures, and the library its model", () => {
    const run = (...args: string[]) => npm(folder, ["exec", "--offline", "medinfer", "--", ...args]);
    expect(run("demo")).toMatch(/^4 of 4 images in /m);
    expect(run("inspect", path.join("node_modules", "medinfer", "models", "medinfer-tiny.gguf"))).toMatch(
      /^GGUF version 3/,
    );
  });

  it("writes rows to a file that nobody else writes", () => {
    const picture = path.join(repository, "examples", "prescriptions", "00000.png");
    const asked = [
      "annotate",
      picture,
      "--prompt",
      "Extract the medications.",
      "--n-predict",
      "4",
      "--out",
      "rows.jsonl",
    ];
    npm(folder, ["exec", "--offline", "medinfer", "--", ...asked]);
    const rows = readFileSync(path.join(folder, "rows.jsonl"), "utf8").trim().split("\n");
    expect(rows).toHaveLength(1);
    expect(JSON.parse(rows[0]!)).toMatchObject({ text: expect.any(String) as string });
  });
});

// With a library that stands for the backend: building the real one takes a CUDA toolkit and many minutes.
describe.runIf(process.platform === "linux" && process.arch === "x64")("the packed CUDA backend", () => {
  const name = "@medinfer/linux-x64-cuda";
  const { version } = JSON.parse(readFileSync(path.join(repository, "package.json"), "utf8")) as { version: string };

  /** The package's tarball, of medinfer's version or of another. */
  function pack(folderName: string, of = version): string {
    const folder = path.join(workspace, folderName);
    writeCudaPackage(folder, path.join(fakeCudaDir(), "libggml-cuda.so"), { architectures: ["90"], version: "13.0" });
    const file = path.join(folder, "package.json");
    const about = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    expect(about).toMatchObject({ name, version });
    writeFileSync(file, JSON.stringify({ ...about, version: of }));
    npm(folder, ["pack"]);
    return path.join(folder, `medinfer-linux-x64-cuda-${of}.tgz`);
  }

  it("carries the library alone", () => {
    const files = execFileSync("tar", ["-tzf", pack("cuda")], { encoding: "utf8" })
      .trim()
      .split("\n")
      .sort();
    expect(files).toEqual(["LICENSE", "README.md", "libggml-cuda.so", "package.json"].map((file) => `package/${file}`));
  });

  it("is found beside medinfer, whose errors and warnings name the driver where that does not serve", () => {
    const folder = emptyProject("with-cuda");
    npm(folder, ["install", tarball, pack("cuda")]);
    const hosts: [RegExp, NodeJS.ProcessEnv][] = [
      [/NVIDIA driver does not start/, { LD_LIBRARY_PATH: fakeCudaDir(), MEDINFER_FAKE_CUDA: "init=999" }],
    ];
    if (!existsSync("/proc/driver/nvidia/version")) hosts.push([/no NVIDIA driver is installed here/, {}]);
    for (const [message, env] of hosts) {
      const report = runProgram(folder, "gpu.mjs", env);
      expect(report).toMatchObject({ code: "NO_DEVICE", backends: ["cpu"], spoke: true });
      expect(report.message).toMatch(message);
      expect(report.warnings).toEqual([expect.stringMatching(message)]);
    }
  });

  it("of another version is refused by name", () => {
    const folder = emptyProject("with-other-cuda");
    // Without the flag npm leaves it out, for medinfer names the version of its peer.
    npm(folder, ["install", "--legacy-peer-deps", tarball, pack("other-cuda", "0.0.1")]);
    const report = runProgram(folder, "gpu.mjs");
    const wanted = `${name} is of version 0.0.1, and medinfer of ${version}: run "npm install ${name}@${version}"`;
    expect(report).toMatchObject({ code: "NO_DEVICE", message: wanted, backends: ["cpu"], spoke: true });
    expect(report.warnings).toEqual([`the model runs on the CPU: ${wanted}`]);
  });
});
