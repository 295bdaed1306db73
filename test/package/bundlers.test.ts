/** The packed package through real bundlers: what they make runs where the package is installed, and elsewhere says so. */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { npm, packInto } from "./support.js";

const bundlers = ["esbuild@0.28.2", "webpack@5.113.0"];
const next = ["next@16.4.6", "react@19.3.1", "react-dom@19.3.1"];

/** Uses the addon, a model of the package, a template and a typed error. */
const body = `
  const engine = await Engine.load({ nCtx: 512 });
  const { text } = await engine.complete({ prompt: "Extract", nPredict: 4, sampling: { temperature: 0 } }).result;
  await engine.close();
  const error = await Engine.load({ model: "no-such-file.gguf" }).catch((reason) => reason);
  const { prompt } = renderChat("{% for m in messages %}{{ m.content }}{% endfor %}", [{ role: "user", content: "Hi" }]);
`;
const report = `{ text, code: error.code, typed: error instanceof MedInferError, prompt }`;
const programs = {
  "app.mjs": `import { Engine, MedInferError, renderChat } from "medinfer";\n${body}\nconsole.log(JSON.stringify(${report}));`,
  "app.cjs": `const { Engine, MedInferError, renderChat } = require("medinfer");\n(async () => {${body}\nconsole.log(JSON.stringify(${report}));})();`,
};
const expected = { code: "MODEL_NOT_FOUND", typed: true, prompt: "Hi" };

let workspace: string;
let tarball: string;

function project(name: string, files: Record<string, string>, packages: string[]): string {
  const folder = path.join(workspace, name);
  for (const [file, text] of Object.entries({ "package.json": JSON.stringify({ name, private: true }), ...files })) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), text);
  }
  npm(folder, ["install", "--no-audit", "--no-fund", tarball, ...packages]);
  return folder;
}

/** Runs a program in an empty folder, so that nothing is found by chance. */
function run(file: string) {
  const cwd = path.join(workspace, "elsewhere");
  mkdirSync(cwd, { recursive: true });
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd, encoding: "utf8" });
  return { status, stdout, stderr };
}

function expectItWorks(file: string): void {
  const { status, stdout, stderr } = run(file);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const result = JSON.parse(stdout) as { text: string };
  expect(result).toMatchObject(expected);
  expect(result.text.length).toBeGreaterThan(0);
}

beforeAll(() => {
  workspace = realpathSync(mkdtempSync(path.join(tmpdir(), "medinfer-bundlers-")));
  tarball = packInto(workspace);
});

afterAll(() => {
  rmSync(workspace, { recursive: true, force: true });
});

describe("a bundle", () => {
  let folder: string;
  const out = (name: string) => path.join(folder, "out", name);

  /** Runs a script of the project's, which bundles. */
  function bundle(script: string): void {
    writeFileSync(path.join(folder, "build.mjs"), script);
    const { status, stderr, stdout } = spawnSync(process.execPath, ["build.mjs"], { cwd: folder, encoding: "utf8" });
    if (status !== 0) throw new Error(`${stdout}\n${stderr}`);
  }

  const esbuild = (options: object) =>
    bundle(`import { build } from "esbuild";
      const { warnings } = await build({ bundle: true, platform: "node", logLevel: "silent", ...${JSON.stringify(options)} });
      if (warnings.length > 0) throw new Error(JSON.stringify(warnings));`);

  const webpack = (options: object) =>
    bundle(`import webpack from "webpack";
      webpack({ context: ${JSON.stringify(folder)}, mode: "production", target: "node20", ...${JSON.stringify(options)} }, (error, stats) => {
        if (error || stats.hasErrors() || stats.hasWarnings()) {
          console.error(error ?? stats.toString());
          process.exitCode = 1;
        }
      });`);

  beforeAll(() => {
    folder = project("bundled", programs, bundlers);
  });

  it.each([
    ["app.mjs", "esm", "esm.mjs"],
    ["app.mjs", "cjs", "esm.cjs"],
    ["app.cjs", "esm", "cjs.mjs"],
    ["app.cjs", "cjs", "cjs.cjs"],
  ])("of %s by esbuild as %s runs", (entry, format, name) => {
    // Top-level await is for ES modules alone.
    const entryPoint = entry === "app.mjs" && format === "cjs" ? wrapped(folder) : entry;
    esbuild({ entryPoints: [entryPoint], format, outfile: out(name) });
    expectItWorks(out(name));
  });

  it("by esbuild, minified and in ES modules with pieces of their own, runs", () => {
    writeFileSync(path.join(folder, "split.mjs"), `await import("./app.mjs");`);
    esbuild({
      entryPoints: ["split.mjs"],
      format: "esm",
      splitting: true,
      minify: true,
      outdir: out("split"),
      outExtension: { ".js": ".mjs" },
    });
    expectItWorks(out("split/split.mjs"));
  });

  it.each([
    ["app.mjs", { output: { filename: "webpack-esm.cjs" } }],
    ["app.cjs", { output: { filename: "webpack-cjs.cjs" } }],
    [
      "app.mjs",
      {
        output: { filename: "webpack-module.mjs", module: true, library: { type: "module" } },
        experiments: { outputModule: true },
      },
    ],
  ])("of %s by webpack as %o runs", (entry, options) => {
    webpack({ ...options, entry: `./${entry}`, output: { ...options.output, path: out("") } });
    expectItWorks(out(options.output.filename));
  });

  it("that was deployed elsewhere runs where the package is installed", () => {
    const files = readdirSync(out("")).filter((name) => /\.[cm]js$/.test(name));
    expect(files.length).toBeGreaterThanOrEqual(7);
    const deployed = path.join(workspace, "deployed");
    cpSync(out(""), path.join(deployed, "app"), { recursive: true });
    mkdirSync(path.join(deployed, "node_modules"));
    symlinkSync(path.join(folder, "node_modules", "medinfer"), path.join(deployed, "node_modules", "medinfer"));
    for (const file of files) expectItWorks(path.join(deployed, "app", file));
  });

  it("says what to do where the package is not installed", () => {
    const bare = path.join(workspace, "bare");
    for (const file of readdirSync(out("")).filter((name) => /\.[cm]js$/.test(name) && !name.startsWith("webpack"))) {
      cpSync(path.join(out(""), file), path.join(bare, file));
      const { status, stderr } = run(path.join(bare, file));
      expect(status, file).toBe(1);
      expect(stderr, file).toContain("BACKEND_LOST");
      expect(stderr, file).toMatch(/medinfer.*bundle.*--external:medinfer.*serverExternalPackages/s);
    }
  });

  // A bundler that does not know the condition "module" takes the library itself along.
  it.each(["esbuild", "webpack"])(
    "of the library itself by %s finds the installed addon, or says what to do",
    (bundler) => {
      const name = `whole-${bundler}.cjs`;
      if (bundler === "esbuild") {
        esbuild({ entryPoints: ["app.cjs"], format: "cjs", outfile: out(name), conditions: ["other"] });
      } else {
        webpack({
          entry: "./app.cjs",
          output: { filename: name, path: out("") },
          resolve: { conditionNames: ["require", "node"] },
          // Node shows the line that throws, and would show the whole bundle.
          optimization: { minimize: false },
        });
      }
      expectItWorks(out(name));
      cpSync(out(name), path.join(workspace, "bare", name));
      const { status, stderr } = run(path.join(workspace, "bare", name));
      expect(status).toBe(1);
      expect(stderr).toMatch(/BACKEND_LOST/);
      expect(stderr).toMatch(/medinfer runs from a bundle.*serverExternalPackages/s);
      expect(stderr).not.toContain("npm rebuild");
    },
  );
});

/** app.mjs in a function: CommonJS has no top-level await. */
function wrapped(folder: string): string {
  const [first, ...rest] = programs["app.mjs"].split("\n");
  writeFileSync(path.join(folder, "wrapped.mjs"), `${first}\n(async () => {${rest.join("\n")}})();`);
  return "wrapped.mjs";
}

describe("Next.js", () => {
  let folder: string;

  beforeAll(() => {
    folder = project(
      "with-next",
      {
        "app/layout.js": `export default ({ children }) => <html><body>{children}</body></html>;`,
        "app/page.js": `export default () => "there";`,
        "app/ask/route.js": `
          import { Engine, MedInferError, renderChat } from "medinfer";
          export const dynamic = "force-dynamic";
          export async function GET() {${body}; return Response.json(${report}); }`,
        "next.config.mjs": `export default process.env.EXTERNAL === "no" ? {} : { serverExternalPackages: ["medinfer"] };`,
      },
      next,
    );
  });

  /** Starts the built server, asks it and ends it. */
  async function ask(): Promise<unknown> {
    const port = await freePort();
    const server = spawn(process.execPath, ["node_modules/next/dist/bin/next", "start", "-p", String(port)], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output: string[] = [];
    for (const stream of [server.stdout, server.stderr]) stream.on("data", (data) => output.push(String(data)));
    const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          const response = await fetch(`http://127.0.0.1:${port}/ask`);
          if (!response.ok) throw new Error(`the server answered ${response.status}: ${output.join("")}`);
          return await response.json();
        } catch (error) {
          const starting = error instanceof TypeError && attempt < 300 && server.exitCode === null;
          if (!starting) throw new Error(output.join(""), { cause: error });
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    } finally {
      server.kill();
      await ended;
    }
  }

  it.each([
    ["serverExternalPackages", "yes", "--turbopack"],
    ["nothing said, by Turbopack", "no", "--turbopack"],
    ["nothing said, by webpack", "no", "--webpack"],
  ])("answers with %s", async (_name, external, flag) => {
    rmSync(path.join(folder, ".next"), { recursive: true, force: true });
    const env = { ...process.env, EXTERNAL: external, NEXT_TELEMETRY_DISABLED: "1" };
    const next = path.join("node_modules", "next", "dist", "bin", "next");
    const built = spawnSync(process.execPath, [next, "build", flag], { cwd: folder, env, encoding: "utf8" });
    expect(built.status, built.stdout + built.stderr).toBe(0);
    const answer = (await ask()) as { text: string };
    expect(answer).toMatchObject(expected);
    expect(answer.text.length).toBeGreaterThan(0);
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
