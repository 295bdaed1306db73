/** Every option of the server is a flag of `medinfer serve`, or there is a reason why it is none. */
import { writeFileSync } from "node:fs";
import path from "node:path";

import type { ListenOptions } from "@medinfer/server";
import { Command } from "commander";
import ts from "typescript";
import { describe, expect, it } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { addServe } from "../src/commands/serve.js";
import { listenOptions, type ServeOptions } from "../src/serve/listen-options.js";
import { run, temporaryFolder } from "./support.js";

const folder = temporaryFolder();
const file = (name: string, content: string) => {
  const place = path.join(folder, name);
  writeFileSync(place, content);
  return place;
};
const pem = file("some.pem", "PEM");
const phrase = file("phrase", "a long phrase\n");
const models = file("models.json", JSON.stringify([{ name: "a", kv: { type: "q8_0" } }, { name: "b" }]));
const tls = ["--tls-cert", pem, "--tls-key", pem];
const urls = "--image-urls";
const audit = ["--audit-log", "audit.jsonl"];
const files = ["--files-folder", "files"];
const MIB = 2 ** 20;

/** Of each option: flags that set it, and what it then is. */
const flags: Record<string, { args: string[]; becomes: unknown }> = {
  models: {
    args: ["--models", models],
    becomes: [
      { name: "a", kv: { type: "q8_0" }, keepLoaded: true },
      { name: "b", keepLoaded: false },
    ],
  },
  host: { args: ["--host", "::1"], becomes: "::1" },
  port: { args: ["--port", "9"], becomes: 9 },
  socket: { args: ["--socket", "/run/x"], becomes: "/run/x" },
  keys: { args: ["--keys", "keys.json"], becomes: "keys.json" },
  open: { args: ["--open"], becomes: true },
  "admin.port": { args: ["--admin", "9"], becomes: 9 },
  "admin.host": { args: ["--admin", "[::1]:9"], becomes: "::1" },
  "admin.socket": { args: ["--admin", "/run/x:9"], becomes: "/run/x:9" },
  "tls.cert": { args: tls, becomes: Buffer.from("PEM") },
  "tls.key": { args: tls, becomes: Buffer.from("PEM") },
  "tls.ca": { args: [...tls, "--tls-client-ca", pem], becomes: Buffer.from("PEM") },
  "tls.requestCert": { args: [...tls, "--tls-client-ca", pem], becomes: true },
  "tls.passphrase": { args: [...tls, "--tls-passphrase", phrase], becomes: "a long phrase" },
  "tls.minVersion": { args: [...tls, "--tls-min-version", "TLSv1.3"], becomes: "TLSv1.3" },
  "cors.origins": {
    args: ["--cors-origin", "https://a.example", "--cors-origin", "https://b.example"],
    becomes: ["https://a.example", "https://b.example"],
  },
  "cors.allowPrivateNetwork": { args: ["--cors-private-network"], becomes: true },
  "imageUrls.hosts": { args: [urls, "a.example"], becomes: ["a.example"] },
  "imageUrls.maxBytes": { args: [urls, "--image-url-limit", "3"], becomes: 3 * MIB },
  "imageUrls.timeoutMs": { args: [urls, "--image-url-timeout", "3"], becomes: 3000 },
  memoryBudget: { args: ["--memory-budget", "3"], becomes: 3 * MIB },
  unloadAfterMs: { args: ["--unload-after", "3"], becomes: 3000 },
  whileLoading: { args: ["--refuse-while-loading"], becomes: "refuse" },
  defaultMaxTokens: { args: ["--max-tokens", "3"], becomes: 3 },
  timeLimitMs: { args: ["--time-limit", "3"], becomes: 3000 },
  readPatienceMs: { args: ["--read-patience", "0"], becomes: 0 },
  bodyLimit: { args: ["--body-limit", "3"], becomes: 3 * MIB },
  responseState: { args: ["--response-state"], becomes: true },
  filesFolder: { args: files, becomes: "files" },
  filesQuota: { args: [...files, "--files-quota", "3"], becomes: 3 * MIB },
  fileLimit: { args: [...files, "--file-limit", "3"], becomes: 3 * MIB },
  batchConcurrency: { args: [...files, "--batch-concurrency", "3"], becomes: 3 },
  drainMs: { args: ["--drain", "3"], becomes: 3000 },
  logLevel: { args: ["--log-level", "debug"], becomes: "debug" },
  "audit.file": { args: audit, becomes: "audit.jsonl" },
  "audit.secretFile": { args: [...audit, "--audit-secret", "secret"], becomes: "secret" },
  "audit.required": { args: [...audit, "--audit-required"], becomes: true },
  "audit.maxBytes": { args: [...audit, "--audit-max-size", "3"], becomes: 3 * MIB },
  "audit.maxAgeMs": { args: [...audit, "--audit-max-age", "3"], becomes: 3 * 3_600_000 },
  "audit.keep": { args: [...audit, "--audit-keep", "0"], becomes: 0 },
};

/** Options that are no flags, and why. */
const none: Record<string, string> = {
  logTo: "a shell sends stderr where it likes",
  loadEngine: "a function",
  "imageUrls.allows": "a function",
  "tls.rejectUnauthorized": "it would let in whom --tls-client-ca is to keep out",
};

/** The options of the server's own types, e.g. `"audit.keep"`. Those of models are one: they are a file's. */
function optionPaths(): string[] {
  const types = fromRoot("packages", "server", "dist", "listen.d.ts");
  const program = ts.createProgram([types], {
    ...{ strict: true, skipLibCheck: true, types: ["node"] },
    ...{ module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  });
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(types)!)!;
  const options = checker.getExportsOfModule(module).find(({ name }) => name === "ListenOptions")!;
  const walk = (type: ts.Type, under: string): string[] =>
    checker.getPropertiesOfType(type).flatMap((property) => {
      const name = under === "" ? property.name : `${under}.${property.name}`;
      const own = checker.getNonNullableType(checker.getTypeOfSymbol(property));
      const parts = own.isUnion() ? own.types : [own];
      const groups = parts.filter((part) => isGroup(part));
      return groups.length === 0 ? [name] : groups.flatMap((part) => walk(part, name));
    });
  /** An interface of the server, or a choice of another's fields. Streams and functions are none. */
  const isGroup = (type: ts.Type) => {
    const isOurs = type.symbol?.declarations?.some(
      (each) => ts.isInterfaceDeclaration(each) && each.getSourceFile().fileName.includes("/packages/server/"),
    );
    return isOurs === true || type.aliasSymbol?.name === "Pick";
  };
  return walk(checker.getDeclaredTypeOfSymbol(options), "");
}

/** What `medinfer serve` gives the server for these flags. */
async function given(args: readonly string[]): Promise<ListenOptions> {
  const program = new Command();
  addServe(program);
  let options: ListenOptions | undefined;
  // In place of what serves.
  program.commands[0]!.action(async (values: ServeOptions) => {
    options = await listenOptions(values);
  });
  await program.parseAsync(["serve", ...args], { from: "user" });
  return options!;
}

const valueAt = (options: unknown, place: string) =>
  place.split(".").reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], options);

describe("the server's options", () => {
  it("are all flags, or there is a reason", () => {
    const paths = optionPaths();
    // It has walked: into groups, and through what a type extends.
    expect(paths).toEqual(expect.arrayContaining(["models", "audit.keep", "tls.cert", "memoryBudget", "drainMs"]));
    expect([...paths].sort()).toEqual([...Object.keys(flags), ...Object.keys(none)].sort());
  });

  it.each(Object.entries(flags))("%s has a flag", async (place, { args, becomes }) => {
    expect(valueAt(await given(args), place)).toEqual(becomes);
  });

  it("say of the first model what goes with it", async () => {
    const args = [
      "--model",
      "a.gguf",
      "--model",
      "b=c.gguf",
      "--mmproj",
      "p.gguf",
      "--draft",
      "d.gguf",
      "--n-ctx",
      "9",
      "--n-threads",
      "auto",
    ];
    const shared = { nCtx: 9, nThreads: "auto" };
    expect((await given(args)).models).toEqual([
      { name: "a", model: "a.gguf", mmproj: "p.gguf", draft: "d.gguf", task: "generate", ...shared, keepLoaded: true },
      { name: "b", model: "c.gguf", ...shared, keepLoaded: false },
    ]);
  });

  it("are the server's own defaults where no flag is given", async () => {
    const options = await given([]);
    expect(options).toMatchObject({ host: "127.0.0.1", port: 8080, drainMs: 30_000, bodyLimit: 32 * MIB });
    for (const name of ["tls", "audit", "imageUrls", "admin", "keys", "filesFolder"])
      expect(options).not.toHaveProperty(name);
    expect((await given([urls])).imageUrls).toEqual({});
  });
});

describe("flags that go with others are refused without them:", () => {
  it.each([
    [["--audit-keep", "3"], 1, "need --audit-log"],
    [["--audit-max-size", "1"], 1, "need --audit-log"],
    [["--file-limit", "1"], 1, "need --files-folder"],
    [["--files-quota", "1"], 1, "need --files-folder"],
    [["--batch-concurrency", "1"], 1, "need --files-folder"],
    [["--files-quota", "0"], 2, "a whole number of 1 or more"],
    [["--image-url-limit", "1"], 1, "need --image-urls"],
    [["--tls-min-version", "TLSv1.3"], 1, "needs both --tls-cert and --tls-key"],
    [["--admin", "70000"], 1, "a port is a number from 0 to 65535"],
    [["--port", "99999"], 2, "It has to be a port, a number from 0 to 65535"],
    [["--models", models, "--model", "x"], 2, "cannot be used with"],
    [["--audit-log", "x", "--audit-max-size", "0"], 2, "a whole number of 1 or more"],
    [["--max-tokens", "0"], 2, "a whole number of 1 or more"],
    [["--time-limit", "0"], 2, "a whole number of 1 or more"],
    [["--n-threads", "0"], 2, "It has to be auto, or a whole number from 1 to 512"],
    [["--n-threads", "513"], 2, "It has to be auto, or a whole number from 1 to 512"],
    [["--tls-min-version", "TLSv1"], 2, "Allowed choices are TLSv1.2, TLSv1.3"],
    [["--model", "x=a.gguf", "--model", "x=b.gguf"], 1, "two models have the name or alias x"],
  ])("%j", async (args, status, message) => {
    const outcome = await run(["serve", "--port", "0", ...args]);
    expect(outcome.stderr).toMatch(/^medinfer: [^\n]+\n$/);
    expect(outcome.stderr).toContain(message);
    expect(outcome.status).toBe(status);
  });
});

describe("a file of models is refused with", () => {
  it.each([
    ["no list", { name: "a" }, "has to be a list of models"],
    ["none", [], "has to be a list of models"],
    ["one without a name", [{ name: "a" }, { model: "Johanna.gguf" }], "[1].name has to be what requests call it"],
    ["an unknown option", [{ name: "a", nCtxt: 4 }], '[0]: "nCtxt" is no option of a model (did you mean nCtx?)'],
    ["a text as an option", [{ name: "a", "Johanna has gout": 4 }], "[0]: a name is no option of a model"],
    ["other aliases", [{ name: "a", aliases: "Johanna" }], "[0].aliases has to be a list of names"],
    ["a value of another kind", [{ name: "a", nCtx: "Johanna" }], "wrong.json: the model a: Engine.load: nCtx"],
  ])("%s", async (_name, content, message) => {
    const { status, stderr } = await run([
      "serve",
      "--port",
      "0",
      "--models",
      file("wrong.json", JSON.stringify(content)),
    ]);
    expect(status).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("Johanna");
  });
});
