// Calls the library with marked text, and tells how much of it each message holds that comes of it.
import path from "node:path";
import { inspect } from "node:util";

import * as medinfer from "medinfer";

const { Engine } = medinfer;
/** What the latest function of the caller throws. */
let thrown;

/** What IPC does not carry. */
function revive(value) {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  if ("$url" in value) return new URL(value.$url);
  if ("$throws" in value) {
    thrown = new Error(value.$throws);
    return () => {
      throw thrown;
    };
  }
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, revive(each)]));
}

/** Every text that an error tells, its causes included. */
function textsOf(error, depth = 0) {
  if (depth > 5) return [];
  if (typeof error === "string") return [error];
  if (typeof error !== "object" || error === null) return [];
  return Reflect.ownKeys(error).flatMap((key) => [String(key), ...textsOf(error[key], depth + 1)]);
}

const warnings = [];
process.on("warning", (warning) => warnings.push(warning));

process.once("message", async ({ mark, most, cases, load, embedder, reranker, picture, folder }) => {
  const marksIn = (text) => text.split(mark).length - 1;
  const engine = await Engine.load(load);
  const embeds = await Engine.load({ ...load, mmproj: null, model: embedder, task: "embed" });
  const reranks = await Engine.load({ ...load, mmproj: null, model: reranker, task: "rerank" });
  const session = engine.session({ chatTemplate: "vicuna" });
  const short = { nPredict: 1, sampling: { temperature: 0 } };
  const user = [{ role: "user", content: "bat" }];
  const chat = { ...short, messages: user, chatTemplate: "vicuna" };
  const row = { prompt: "bat" };
  const annotate = async (rows, options) => {
    const failures = [];
    const given = { ...short, chatTemplate: "vicuna", ...options };
    for await (const { error, metadata } of engine.annotate(rows, given)) {
      if (error) failures.push(Object.assign(error, metadata));
    }
    if (failures.length > 0) throw failures[0];
  };
  /** By the names of the calls; each is given an options object, or the argument that its name has after a colon. */
  const calls = {
    "Engine.load": async (options) => (await Engine.load({ ...load, ...options })).close(),
    "engine.chat": (options) => engine.chat({ ...chat, ...options }).result,
    "engine.complete": (options) => engine.complete({ ...short, prompt: "bat", ...options }).result,
    "engine.session": (options) => engine.session(options).close(),
    "engine.restoreSession": async (file) => (await engine.restoreSession(file)).close(),
    "session.chat": (options) => session.chat({ ...short, content: "bat", ...options }).result,
    "session.score": (options) => session.score({ candidates: ["a", "b"], ...options }),
    "engine.score": (options) =>
      engine.score({ messages: user, chatTemplate: "vicuna", candidates: ["a", "b"], ...options }),
    "engine.score: prompt": (options) => engine.score({ prompt: "bat", candidates: ["a", "b"], ...options }),
    "engine.loadAdapter": (options) => engine.loadAdapter(embedder, options),
    "engine.loadAdapter: path": (file) => engine.loadAdapter(file),
    "engine.embed": (options) => embeds.embed("bat", options),
    "engine.embed: texts": (texts) => embeds.embed(texts),
    "engine.embedStream": async (options) => {
      for await (const each of embeds.embedStream(["bat"], options)) void each;
    },
    "engine.rerank": (options) => reranks.rerank("bat", ["cat"], options),
    "engine.rerank: query": (query) => reranks.rerank(query, ["cat"]),
    "engine.rerank: documents": (documents) => reranks.rerank("bat", documents),
    "session.save": (file) => session.save(typeof file === "string" ? path.join(folder, file) : file),
    "engine.annotate": (options) => annotate([row], options),
    "engine.annotate: row": (given) => annotate([{ ...row, ...given }], {}),
    "engine.annotate: rows": (rows) => annotate(rows, {}),
    "engine.tokenize": (options) => engine.tokenize("bat", options),
    "engine.tokenize: text": (text) => engine.tokenize(text),
    "engine.detokenize": (options) => engine.detokenize([1], options),
    "engine.detokenize: tokens": (tokens) => engine.detokenize(tokens),
    "engine.applyChatTemplate": (options) => engine.applyChatTemplate(user, { chatTemplate: "vicuna", ...options }),
    "engine.applyChatTemplate: messages": (messages) => engine.applyChatTemplate(messages, { chatTemplate: "vicuna" }),
    "engine.embedImage": (options) => engine.embedImage(picture, options),
    "engine.embedImage: image": (image) => engine.embedImage(image),
    renderChat: (options) => medinfer.renderChat("vicuna", user, options),
    "renderChat: messages": (messages) => medinfer.renderChat("vicuna", messages),
    "renderChat: template": (template) => medinfer.renderChat(template, user),
    registerChatTemplate: (options) => medinfer.registerChatTemplate("marked", "{{ messages }}", options),
    "registerChatTemplate: name": (name) => medinfer.registerChatTemplate(name, "{{ messages }}"),
    "registerChatTemplate: template": (template) => {
      medinfer.registerChatTemplate("marked", template);
      medinfer.renderChat("marked", user);
    },
    registerModelAdapter: (options) =>
      medinfer.registerModelAdapter({ name: "marked", matches: /^never$/, ...options }),
    jsonSchemaToGrammar: (schema) => medinfer.jsonSchemaToGrammar(schema),
    inspectSampling: (options) => medinfer.inspectSampling({ probs: [0.5, 0.5], ...options }),
  };
  const faults = [];
  const seen = {};
  for (const { call, at, value } of cases) {
    let texts = [];
    try {
      await calls[call](revive(value));
      seen.ok = (seen.ok ?? 0) + 1;
    } catch (error) {
      // The caller's own error comes back to the caller as it is.
      texts = error === thrown ? [] : textsOf(error);
      if (error !== thrown && error?.name !== "MedInferError")
        faults.push(`${call} ${at}: ${inspect(error).slice(0, 300)}`);
      seen[error.code] = (seen[error.code] ?? 0) + 1;
      if (error.code === "INTERNAL") faults.push(`${call} ${at}: INTERNAL ${inspect(error).slice(0, 600)}`);
    }
    await new Promise((resolve) => setImmediate(resolve));
    texts.push(...warnings.splice(0).flatMap((warning) => textsOf(warning)));
    const worst = texts.sort((a, b) => marksIn(b) - marksIn(a))[0] ?? "";
    if (marksIn(worst) * mark.length > most) faults.push(`${call} ${at}: ${worst.slice(0, 300)}`);
  }
  if (marksIn(JSON.stringify(engine.stats())) > 0) faults.push("engine.stats");
  session.close();
  await Promise.all([engine, embeds, reranks].map((each) => each.close()));
  process.send({ faults, seen, calls: Object.keys(calls), public: publicCalls() });
  process.disconnect();
});

/** Everything that can be called with something from outside. */
function publicCalls() {
  const methods = (prototype) => Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor");
  const functions = Object.keys(medinfer).filter((name) => !["Engine", "MedInferError"].includes(name));
  return { functions, engine: methods(Engine.prototype) };
}
