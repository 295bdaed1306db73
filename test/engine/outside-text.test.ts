// Whatever is passed wherever, no message holds more than 200 characters of it: a prompt or an image that was passed by
// mistake must be in no log. What options there are is read from their schemas, so that a new one is tried by itself.
import { fork } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { loadAdapterSchema } from "../../lib/adapters/options.js";
import { annotateOptionsSchema, annotateRowSchema } from "../../lib/annotate/annotate.js";
import { adapterSchema } from "../../lib/chat/adapters.js";
import { chatTemplateOptionsSchema } from "../../lib/chat/registry.js";
import { messagesSchema, renderOptionsSchema } from "../../lib/chat/schema.js";
import { embedImageOptionsSchema } from "../../lib/embed-image.js";
import { embedOptionsSchema, rerankOptionsSchema } from "../../lib/embed/options.js";
import { inspectOptionsSchema } from "../../lib/inspect-sampling.js";
import { loadOptionsSchema } from "../../lib/options/load-options.js";
import { chatOptionsSchema, completeOptionsSchema } from "../../lib/options/request-options.js";
import { applyOptionsSchema } from "../../lib/requests/prepare.js";
import { scoreChatSchema, scorePromptSchema, sessionScoreSchema } from "../../lib/score/options.js";
import { sessionChatSchema, sessionOptionsSchema } from "../../lib/session/options.js";
import { detokenizeOptionsSchema, tokenizeOptionsSchema } from "../../lib/tokens.js";
import { withStrings } from "../support/gguf.mjs";
import { withoutCpuWarning } from "../support/node-arguments.mjs";
import { cacheDir, fixture, fromRoot } from "../support/paths.mjs";
import { randomModel, tinyMmproj, tinyModel } from "../support/random-model.mjs";

/** In base64, paths, names and words alike. */
const mark = "Zq7";
const most = 200;
const long = mark.repeat(2000);
const middle = mark.repeat(400);

const picture = fixture("picture.png");
const folder = path.join(cacheDir, "outside-text");

/** What is passed in the place of each option and of each object that options stand in. */
const values: unknown[] = [
  ...[mark, middle, long, `${mark} \n`.repeat(300), `"${long}"`],
  // As paths and addresses.
  ...[`/${mark.repeat(80)}/`.repeat(8), `./${middle}.gguf`, `file:///${middle}`, `file://${mark}/${middle}`],
  ...[`https://example.invalid/${middle}`, `hf:${middle}`, { $url: `file:///${middle}` }, { $url: `data:,${middle}` }],
  ...[{ $url: `ftp://${mark}.invalid/${middle}` }, { $url: `http://127.0.0.1:1/${middle}` }],
  { $url: `http://${mark.repeat(50)}:${middle}@127.0.0.1:1/` },
  // As images.
  ...[`data:image/png;base64,${long}`, `data:image/png;base64,$${long}`, `data:,${long}`, `data:${long}`],
  ...[`image/png;base64,${long}`, `/9j/4AAQSkZJRgABAQAAAQABAAD${long}`, `iVBORw0KGgo${long}$`, Buffer.from(long)],
  // As templates, grammars and patterns.
  ...[
    `{{ ${middle}`,
    `{% ${middle} %}`,
    `{{ raise_exception("${middle}") }}`,
    `{{ "x" | ${middle} }}`,
    `{{ ${middle}() }}`,
  ],
  ...[
    `root ::= "${middle}`,
    `root ::= ${middle}`,
    `${middle} ::= "a"`,
    `root ::= ${middle} "a"\n${middle} ::= ${middle} "b"`,
  ],
  ...[`(${middle}`, `(?<${middle}>a)\\k<${middle}>`, `${middle}{2,1}`],
  // As objects and lists.
  ...[{ [middle]: middle }, { [middle]: 1, [long]: 2 }, [middle], [[middle]], [{ [middle]: middle }], [1, middle]],
  Object.fromEntries(Array.from({ length: 60 }, (_, i) => [mark.repeat(10) + String(i), middle])),
  // As schemas.
  ...[{ type: middle }, { properties: { [middle]: { type: middle } } }, { type: "string", pattern: `^(${middle}$` }],
  ...[{ $ref: `#/${middle}` }, { type: "string", format: middle }, { required: [middle], type: "object" }],
  ...[{ enum: [middle], uniqueItems: true }, { oneOf: [{ const: middle }, { const: middle }] }, { $ref: middle }],
  { $throws: middle },
];

/** A place in what a call takes, and how a value is put there. */
interface Place {
  at: string;
  put: (value: unknown) => unknown;
}

/** As much of valibot's schemas as is looked at. */
interface Schema {
  type: string;
  entries?: Record<string, Schema>;
  item?: Schema;
  wrapped?: Schema;
  literal?: unknown;
  getter?: (input: unknown) => Schema;
}

/** All places of a schema. */
function placesOf(schema: Schema, { at, put }: Place, depth = 0): Place[] {
  const here = { at, put };
  if (depth > 8) return [here];
  if (schema.wrapped) return placesOf(schema.wrapped, here, depth + 1);
  if (schema.item) return [here, ...placesOf(schema.item, { at: `${at}[0]`, put: (x) => put([x]) }, depth + 1)];
  if (schema.getter) {
    const inputs = [{ type: "text" }, { type: "image" }, [{}], {}];
    const meant = new Set(inputs.map((input) => schema.getter!(input)).filter((each) => each.entries ?? each.item));
    return [here, ...[...meant].flatMap((each) => placesOf(each, here, depth + 1))];
  }
  const entries = Object.entries(schema.entries ?? {});
  const needed = entries.filter(([, entry]) => !entry.wrapped).map(([key, entry]) => [key, entry.literal ?? "user"]);
  const others = Object.fromEntries(needed) as object;
  const inside = entries.flatMap(([key, entry]) =>
    placesOf(entry, { at: `${at}.${key}`, put: (x) => put({ ...others, [key]: x }) }, depth + 1),
  );
  return [here, ...inside];
}

const root: Place = { at: "", put: (value) => value };
const anything: Schema = { type: "any" };
/** What each call takes. */
const taken: Record<string, unknown> = {
  "Engine.load": loadOptionsSchema,
  "engine.chat": chatOptionsSchema,
  "engine.complete": completeOptionsSchema,
  "engine.session": sessionOptionsSchema,
  "engine.restoreSession": anything,
  "session.chat": sessionChatSchema,
  "session.save": anything,
  "session.score": sessionScoreSchema,
  "engine.score": scoreChatSchema,
  "engine.score: prompt": scorePromptSchema,
  "engine.loadAdapter": loadAdapterSchema,
  "engine.loadAdapter: path": anything,
  "engine.embed": embedOptionsSchema,
  "engine.embed: texts": anything,
  "engine.embedStream": embedOptionsSchema,
  "engine.rerank": rerankOptionsSchema,
  "engine.rerank: query": anything,
  "engine.rerank: documents": anything,
  "engine.annotate": annotateOptionsSchema,
  "engine.annotate: row": annotateRowSchema,
  "engine.annotate: rows": anything,
  "engine.tokenize": tokenizeOptionsSchema,
  "engine.tokenize: text": anything,
  "engine.detokenize": detokenizeOptionsSchema,
  "engine.detokenize: tokens": anything,
  "engine.applyChatTemplate": applyOptionsSchema,
  "engine.applyChatTemplate: messages": messagesSchema,
  "engine.embedImage": embedImageOptionsSchema,
  "engine.embedImage: image": anything,
  renderChat: renderOptionsSchema,
  "renderChat: messages": messagesSchema,
  "renderChat: template": anything,
  registerChatTemplate: chatTemplateOptionsSchema,
  "registerChatTemplate: name": anything,
  "registerChatTemplate: template": anything,
  registerModelAdapter: adapterSchema,
  jsonSchemaToGrammar: anything,
  inspectSampling: inspectOptionsSchema,
};
/** Public, and given nothing from outside. */
const nothingTaken = [
  "devices",
  "builtinChatTemplates",
  "optionSchemas",
  "info",
  "stats",
  "close",
  "adapters",
  "LoraAdapter",
];

interface Case {
  call: string;
  at: string;
  value: unknown;
}

const optionCases = Object.entries(taken).flatMap(([call, schema]) =>
  placesOf(schema as Schema, root).flatMap(({ at, put }) =>
    values.map((value, i): Case => ({ call, at: `${at} (value ${i})`, value: put(value) })),
  ),
);

/** Files whose names and metadata are marked. */
function fileCases(): Case[] {
  const cases: Case[] = [];
  const write = (name: string, bytes: Uint8Array) => {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    return file;
  };
  const load = (at: string, value: object) => cases.push({ call: "Engine.load", at, value });
  const model = readFileSync(tinyModel());
  const mmproj = readFileSync(tinyMmproj());
  const deep = path.join(...Array.from({ length: 6 }, () => mark.repeat(60)), mark.repeat(60));
  load("a damaged model of a long name", { model: write(`${deep}.gguf`, Buffer.from("GGUFdamaged")) });
  load("a model's text at a long path", { model: write(`${deep}/text.gguf`, Buffer.from(long)) });
  load("a damaged projector of a long name", { mmproj: write(`${deep}-mmproj.gguf`, Buffer.from("GGUFdamaged")) });
  for (const key of ["architecture", "name", "basename", "type"]) {
    for (const text of [middle, long]) {
      const marked = { [`general.${key}`]: text };
      load(`general.${key} of the model`, {
        model: write(`${key}/a.gguf`, withStrings(model, marked)),
        mmproj: "auto",
      });
      load(`general.${key} of the projector`, { mmproj: write(`${key}-p/b.gguf`, withStrings(mmproj, marked)) });
      write(`${key}-beside/${mark.repeat(50)}-mmproj.gguf`, withStrings(mmproj, marked));
      write(`${key}-beside/${mark.repeat(51)}-mmproj.gguf`, withStrings(mmproj, marked));
      const beside = write(`${key}-beside/model.gguf`, model);
      load(`general.${key} of a projector beside the model`, { model: beside, mmproj: "auto" });
    }
  }
  for (const key of ["tokenizer.ggml.model", "tokenizer.ggml.pre", "tokenizer.chat_template", middle]) {
    load(`${key.slice(0, 40)} of the model`, { model: write("key/a.gguf", withStrings(model, { [key]: long })) });
  }
  for (const key of ["clip.projector_type", "clip.vision.projector_type", "clip.vision.image_size"]) {
    load(`${key} of the projector`, { mmproj: write(`${key}/b.gguf`, withStrings(mmproj, { [key]: long })) });
  }
  for (let i = 0; i < 20; i++) write(`many/${mark.repeat(60)}${i}.gguf`, model);
  load("a folder of many models", { model: path.join(folder, "many") });
  return cases;
}

interface Outcome {
  faults: string[];
  seen: Record<string, number>;
  calls: string[];
  public: { functions: string[]; engine: string[] };
}

/** Whatever the child prints is a fault: a log of ours, or of llama.cpp's. */
function run(cases: Case[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = fork(fromRoot("test", "support", "children", "outside-text.mjs"), {
      serialization: "advanced",
      execArgv: [withoutCpuWarning, "--no-warnings"],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      timeout: 240_000,
    });
    let printed = "";
    let outcome: Outcome | undefined;
    child.stdout?.on("data", (data) => (printed += String(data)));
    child.stderr?.on("data", (data) => (printed += String(data)));
    child.on("message", (message) => (outcome = message as Outcome));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0 && outcome !== undefined && printed === "") resolve(outcome);
      else reject(new Error(`the child ended with ${signal ?? code} and printed: ${printed.slice(0, 2000)}`));
    });
    const load = { model: tinyModel(), mmproj: tinyMmproj(), device: "cpu", nCtx: 256, nThreads: 1 };
    const embedder = randomModel("bert", { pooling: "mean" });
    const reranker = randomModel("bert", { pooling: "rank", labels: 1 });
    child.send({ mark, most, cases, load, embedder, reranker, picture, folder });
  });
}

beforeAll(() => void mkdirSync(folder, { recursive: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("every call that takes something is tried", async () => {
  const { calls, public: known } = await run([]);
  expect(Object.keys(taken).sort()).toEqual(calls.sort());
  const names = [...known.functions, ...known.engine].filter((name) => !nothingTaken.includes(name));
  for (const name of names)
    expect(calls.map((call) => call.split(": ")[0])).toContain(known.engine.includes(name) ? `engine.${name}` : name);
});

test("marked text in every option comes out of no message", async () => {
  const { faults, seen } = await run(optionCases);
  expect(faults).toEqual([]);
  expect(seen.INVALID_ARGUMENT).toBeGreaterThan(1000);
}, 240_000);

test("marked files come out of no message", async () => {
  const { faults, seen } = await run(fileCases());
  expect(faults).toEqual([]);
  expect(seen.BAD_GGUF).toBeGreaterThan(0);
}, 240_000);
