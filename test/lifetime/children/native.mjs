// The native surface as a child process uses it: straight, without lib/, so that what is tested is the addon's own
// behaviour. Models come in MEDINFER_LIFETIME_MODELS, because a child must not build one.
import { createRequire } from "node:module";
import path from "node:path";

import { fromRoot } from "../../support/paths.mjs";

const require = createRequire(import.meta.url);

/** @typedef {import("../../../lib/native/types.js").NativeAddon} NativeAddon */
/** @typedef {import("../../../lib/native/types.js").NativeEngine} NativeEngine */
/** @typedef {import("../../../lib/native/types.js").NativeEvent} NativeEvent */

const file = require("node-gyp-build").path(fromRoot());
/** @type {NativeAddon} */
export const addon = require(file);
addon.initBackends(path.dirname(file));

/** @type {Record<"tiny" | "mmproj" | "medium" | "large" | "adapter" | "slowMmproj" | "embedder", string>} */
export const models = JSON.parse(process.env.MEDINFER_LIFETIME_MODELS ?? "{}");

/** @param {Partial<import("../../../lib/native/types.js").NativeLoadOptions>} [changes] */
export const loadOptions = (changes) => ({
  task: /** @type {const} */ ("generate"),
  pooling: /** @type {const} */ ("auto"),
  modelPath: models.tiny,
  mmprojPath: "",
  mmprojCandidates: [],
  onlyModel: false,
  device: /** @type {const} */ ("cpu"),
  cudaBackend: "",
  cudaProblem: "",
  mainGpu: 0,
  nGpuLayers: 0,
  splitMode: /** @type {const} */ ("layer"),
  tensorSplit: [],
  nCtx: 4096,
  nCtxPerRequest: 0,
  batchSize: 4,
  nBatch: 0,
  nUbatch: 64,
  nThreads: 1,
  kvType: /** @type {const} */ ("f16"),
  kvPageSize: 32,
  kvPrefixCache: true,
  kvGather: false,
  kvSwapBytes: 0,
  kvHostBytes: 0,
  draftPath: "",
  heads: /** @type {const} */ ("auto"),
  kvDiskFolder: "",
  kvDiskBytes: 0,
  kvHostOnCpuOnly: false,
  maxQueue: 1024,
  maxImageBytes: 1 << 26,
  maxImagePixels: 64e6,
  imageCacheBytes: 1 << 26,
  adapterBytes: 0,
  ...changes,
});

/** @param {string} text */
export const embedRequestOf = (text) => ({ text, query: null, truncate: false, cacheSalt: "", priority: 0 });

/**
 * @param {import("../../../lib/native/types.js").NativePromptPart[]} prompt
 * @param {Partial<import("../../../lib/native/types.js").NativeRequest>} [changes]
 */
export const requestOf = (prompt, changes) => ({
  prompt,
  addSpecial: true,
  sampling: {
    temperature: 0,
    dynatempRange: 0,
    dynatempExponent: 1,
    topK: 1,
    topP: 1,
    minP: 0,
    tfsZ: 1,
    typicalP: 1,
    topNSigma: -1,
    minKeep: 0,
    repeatLastN: 0,
    repeatPenalty: 1,
    frequencyPenalty: 0,
    presencePenalty: 0,
    penalizeNl: false,
    penaltyPrompt: null,
    dryMultiplier: 0,
    dryBase: 1.75,
    dryAllowedLength: 2,
    dryPenaltyLastN: -1,
    drySequenceBreakers: ["\n"],
    xtcProbability: 0,
    xtcThreshold: 0.1,
    adaptivePTarget: -1,
    adaptivePDecay: 0.9,
    miroStat: /** @type {const} */ ("DISABLED"),
    miroStatTau: 5,
    miroStatEta: 0.1,
    seed: 1,
    tokenIdBias: [{ id: 1, bias: -Infinity }],
    tokenBias: [],
    samplers: ["TOP_K", "TEMPERATURE"],
  },
  stopStrings: [],
  grammar: "",
  grammarOpening: "",
  closeAtLimit: false,
  reasoning: null,
  reasoningLimit: null,
  controlTexts: [],
  nPredict: -1,
  ignoreEos: true,
  minTokens: 0,
  maxDraftTokens: 4,
  expectedText: "",
  stopTokens: new Int32Array(),
  nProbs: 0,
  promptProbs: null,
  candidates: [],
  adapters: [],
  n: 1,
  sumLogprobs: false,
  base: 0,
  keep: false,
  cacheSalt: "",
  priority: 0,
  streamed: true,
  ...changes,
});

/** A prompt of about `tokens` tokens. @param {number} tokens */
export const longPrompt = (tokens) => [{ text: "bat cat dog ".repeat(tokens / 3), parseSpecial: false }];

const isTerminal = (/** @type {NativeEvent} */ event) => ["done", "embedded", "pooled", "failed"].includes(event.type);

/** Collects the events of one engine. Holds no engine, or the engine would never be collected. */
export class Events {
  /** @type {Map<number, (event: NativeEvent) => void>} */
  #waiting = new Map();
  /** @type {Map<number, NativeEvent>} */
  #ended = new Map();
  /** @type {(event: NativeEvent) => void} */
  #watch;

  /** @param {(event: NativeEvent) => void} [watch] sees every event */
  constructor(watch = () => {}) {
    this.#watch = watch;
  }

  /** @param {NativeEvent[]} events */
  receive = (events) => {
    for (const event of events) {
      this.#watch(event);
      if (!isTerminal(event)) continue;
      const waiting = this.#waiting.get(event.id);
      this.#waiting.delete(event.id);
      if (waiting) waiting(event);
      else this.#ended.set(event.id, event);
    }
  };

  /** The terminal event of a request. @param {number} id @returns {Promise<NativeEvent>} */
  end(id) {
    const ended = this.#ended.get(id);
    this.#ended.delete(id);
    if (ended) return Promise.resolve(ended);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }
}

const noProgress = () => {};

/**
 * @param {Parameters<typeof loadOptions>[0]} [changes]
 * @param {(events: NativeEvent[]) => void} [onEvents]
 */
export const loadEngine = (changes, onEvents = () => {}) =>
  addon.load(loadOptions(changes), onEvents, noProgress).engine;
