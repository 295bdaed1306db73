/**
 * The native surface, typed: everything that JavaScript can call in the addon, and what comes back. The shapes mirror
 * native/include/medinfer; bindings/ converts between the two, and test/unit/native-surface.test.ts compares this file
 * with it, name by name.
 *
 * Everything that fails throws, rejects with or sends a MedInferError, see {@link AddonModule.withErrorClass}.
 */
import type { MedInferError } from "../errors.js";
import type { Device, EngineStats, ModelInfo } from "./model-info.js";

/** One completion of a request, or one task such as an encoding. From 1 up, never reused by an engine. */
export type RequestId = number;

/** A loaded adapter: the id of the request that loaded it. */
export type AdapterId = RequestId;

declare const ofState: unique symbol;
/**
 * What the engine keeps of a sequence after its request, so that a later prompt continues from it: its tokens, and the pages
 * of the KV pool that hold their keys and values. No {@link RequestId}: the engine holds it until dropState().
 */
export type StateId = number & { readonly [ofState]: true };

/** In the place of a state's id: nothing is kept. */
export const NO_STATE = 0 as StateId;

export interface NativeLoadOptions {
  modelPath: string;
  /** Empty: one of the candidates, or no images. */
  mmprojPath: string;
  /** Files of which the one that fits is the projector; none, where it is not clear which. */
  mmprojCandidates: string[];
  task: "generate" | "embed" | "rerank";
  pooling: "auto" | "mean" | "cls" | "last";
  /** Whether no other model lies beside the model. */
  onlyModel: boolean;
  device: "auto" | "cpu" | "cuda";
  /** Path of libggml-cuda.so; empty: there is none. */
  cudaBackend: string;
  /** Why there is none, and what to do; empty: nobody has looked. */
  cudaProblem: string;
  mainGpu: number;
  /** -1: as many as fit. */
  nGpuLayers: number;
  splitMode: "none" | "layer" | "row" | "tensor";
  tensorSplit: number[];
  nCtx: number;
  /** 0: nCtx. */
  nCtxPerRequest: number;
  batchSize: number;
  /** 0: nUbatch. */
  nBatch: number;
  nUbatch: number;
  /** 0: adaptive. */
  nThreads: number;
  kvType: "f32" | "f16" | "q8_0" | "q4_0";
  kvPageSize: number;
  kvPrefixCache: boolean;
  kvGather: boolean;
  kvSwapBytes: number;
  /** Most memory for pages that leave the pool. */
  kvHostBytes: number;
  /** Empty: there is no draft model. */
  draftPath: string;
  /** `"auto"`: where the model has some that can be used, and there is no draft model. */
  heads: "auto" | "on" | "off";
  /** Empty: no pages go to a disk. */
  kvDiskFolder: string;
  kvDiskBytes: number;
  /** And none where the pool is on a GPU. */
  kvHostOnCpuOnly: boolean;
  maxQueue: number;
  maxImageBytes: number;
  maxImagePixels: number;
  imageCacheBytes: number;
  /** Of LoRA adapters that follow: nGpuLayers leaves room for them where it chooses. */
  adapterBytes: number;
}

/** `minTokens`, `maxTokens`: 0: the projector's own. */
export type NativePromptPart =
  | { text: string; parseSpecial: boolean }
  | { image: Uint8Array | NativeImage; minTokens: number; maxTokens: number }
  | { tokens: Int32Array };

export interface NativeSampling {
  temperature: number;
  dynatempRange: number;
  dynatempExponent: number;
  topK: number;
  topP: number;
  minP: number;
  tfsZ: number;
  typicalP: number;
  topNSigma: number;
  minKeep: number;
  repeatLastN: number;
  repeatPenalty: number;
  frequencyPenalty: number;
  presencePenalty: number;
  penalizeNl: boolean;
  /** null: the prompt itself. */
  penaltyPrompt: string | Int32Array | null;
  dryMultiplier: number;
  dryBase: number;
  dryAllowedLength: number;
  dryPenaltyLastN: number;
  drySequenceBreakers: string[];
  xtcProbability: number;
  xtcThreshold: number;
  adaptivePTarget: number;
  adaptivePDecay: number;
  miroStat: "DISABLED" | "V1" | "V2";
  miroStatTau: number;
  miroStatEta: number;
  /** 32 bits, unsigned. */
  seed: number;
  /** -Infinity: never drawn. */
  tokenIdBias: { id: number; bias: number }[];
  tokenBias: { text: string; bias: number }[];
  samplers: string[];
}

export interface NativeAnswerFormatOptions {
  /** Those that may be called; parameters are JSON. */
  tools: { name: string; description: string; parameters: string }[];
  choice: "none" | "auto" | "required";
  /** Whether more than one call may be made. */
  parallel: boolean;
  /** A JSON object: values of the template's own variables. */
  variables: string;
  /** The JSON schema of answers that call nothing; empty: prose. */
  answer: string;
  /** What the prompt ends with behind the last message; null: what the template writes there. */
  opening: string | null;
}

/** A call as the model wrote it. */
export interface NativeParsedCall {
  name: string;
  /** JSON, as far as it is written. */
  arguments: string;
  /** Empty: the format has none. */
  id: string;
  /** Whether nothing more belongs to it. */
  complete: boolean;
}

export interface NativeParsedAnswer {
  /** Whether the text is what the format says, or a beginning of it. */
  fits: boolean;
  content: string;
  reasoning: string;
  calls: NativeParsedCall[];
}

/** What the answer to one request looks like. */
export interface NativeAnswerFormat {
  /** What stands in the prompt at the beginning of the model's turn; the grammar begins with it. */
  readonly opening: string;
  /** GBNF of the turn; empty: no call can be made, and no schema holds. */
  readonly grammar: string;
  /** Whether a turn is no more than an answer, with or without one block of reasoning before it. */
  readonly plain: boolean;
  /** Both empty: nothing is known of reasoning. */
  readonly reasoningOpen: string;
  readonly reasoningClose: string;
  /** Reads what was written so far, without the opening. Takes time in proportion to the text. */
  parse(text: string): NativeParsedAnswer;
}

/** What a chat template says of answers. */
export interface NativeChatFormat {
  /** Whether it has a form for calls of tools. */
  readonly calls: boolean;
  /** Throws INVALID_ARGUMENT for a schema that cannot be kept. */
  answerFormat(options: NativeAnswerFormatOptions): NativeAnswerFormat;
}

export interface NativeReasoningTags {
  open: string;
  close: string;
  startsOpen: boolean;
  /** Whether some white space may stand before the opening tag and before the answer. */
  blanks: boolean;
}

/** Of the reasoning between these tags so many tokens come, and then the closing tag. */
export interface NativeReasoningLimit {
  tags: NativeReasoningTags;
  tokens: number;
}

/** What a file of a LoRA adapter says of itself. */
export interface NativeAdapterInfo {
  name: string;
  architecture: string;
  task: string;
  promptPrefix: string;
  /** 0: what it adds is not divided by its rank. */
  alpha: number;
  rank: number;
  /** Of the model, those that it adds to. */
  weights: number;
  bytes: number;
  /** Of all that it adds, in hex: equal ones compute alike. */
  digest: string;
}

export interface NativeRequest {
  prompt: NativePromptPart[];
  addSpecial: boolean;
  sampling: NativeSampling;
  stopStrings: string[];
  /** GBNF; empty: none. */
  grammar: string;
  /** What the grammar's text begins with and the prompt ends with. */
  grammarOpening: string;
  /** The grammar's text is brought to its shortest end before the tokens run out. */
  closeAtLimit: boolean;
  /** What stands around the reasoning before what the grammar says; null: there is none. */
  reasoning: NativeReasoningTags | null;
  /** Null: as much reasoning as the model wants. */
  reasoningLimit: NativeReasoningLimit | null;
  /** Texts of control tokens that come as text, marked, where they are drawn. */
  controlTexts: string[];
  nPredict: number;
  ignoreEos: boolean;
  /** Neither the end of the turn nor a stop token is drawn before so many tokens. */
  minTokens: number;
  /** Each ends the answer, and is no part of it. */
  stopTokens: Int32Array;
  /** 0: none. */
  nProbs: number;
  /** Likeliest tokens in the place of each of the prompt's; null: no logprobs of the prompt. */
  promptProbs: number | null;
  /** Not empty: nothing is generated; completion i ends with `scored`, of candidate i. Then `n` is their number. */
  candidates: (string | Int32Array)[];
  /** LoRA adapters, each once. */
  adapters: { adapter: AdapterId; scale: number }[];
  /** Most tokens that are proposed ahead of the model in one pass. */
  maxDraftTokens: number;
  /** A text that the answer may repeat; empty: none. */
  expectedText: string;
  /** Completions: completion i has the id of the first plus i. */
  n: number;
  /** What an earlier request has kept, from which this prompt continues. */
  base: StateId;
  /** Whether the sequence is kept, as the `state` of done. Only with one completion. */
  keep: boolean;
  /** Whether done has `logprobSum` and `drawn`. */
  sumLogprobs: boolean;
  cacheSalt: string;
  priority: number;
  /** Whether events are sent as they arise. Otherwise they are held back until the end, or until stream(). */
  streamed: boolean;
}

export interface NativeSeenImage {
  width: number;
  height: number;
  seenWidth: number;
  seenHeight: number;
  tiles: number;
  tokens: number;
}

export interface NativeUsage {
  promptTokens: number;
  imageTokens: number;
  completionTokens: number;
  cachedTokens: number;
  imagesCached: number;
  draftTokens: number;
  acceptedTokens: number;
}

/** A text to embed, or a document to weigh. */
export interface NativeEmbedRequest {
  text: string;
  /** What the document is weighed against; null with the task "embed". */
  query: string | null;
  /** Whether a text that is too long is cut; it fails otherwise. */
  truncate: boolean;
  cacheSalt: string;
  priority: number;
}

/** Milliseconds. */
export interface NativeTimings {
  queueMs: number;
  encodeMs: number;
  prefillMs: number;
  firstTokenMs: number;
  decodeMs: number;
  totalMs: number;
}

/** `bytes`: one character for each byte. */
export interface NativeTopLogprob {
  id: number;
  bytes: string;
  logprob: number;
}

export interface NativeLogprobs {
  id: number;
  bytes: string;
  logprobBefore: number;
  logprobAfter: number;
  before: NativeTopLogprob[];
  after: NativeTopLogprob[];
}

/** `id`: -1: of an image. No `logprob`: of an image, or the first token. */
export interface NativePromptLogprob {
  id: number;
  bytes: string;
  logprob?: number;
  top: NativeTopLogprob[];
}

export interface NativeInspectRequest {
  logits: Float32Array;
  history: Int32Array;
  /** -1: none. */
  newlineToken: number;
  sampling: NativeSampling;
}

export interface NativeInspection {
  stages: { sampler: string; ids: Int32Array; probabilities: Float32Array }[];
  token: number;
}

export type NativeEvent =
  | { id: RequestId; type: "encode"; images: number; cached: number; seen: NativeSeenImage[] }
  | { id: RequestId; type: "prefill"; done: number; total: number }
  | { id: RequestId; type: "promptLogprobs"; tokens: NativePromptLogprob[] }
  /** `control`: it is what a control token is written as. */
  | { id: RequestId; type: "text"; text: string; control?: boolean }
  | { id: RequestId; type: "logprobs"; tokens: NativeLogprobs[] }
  | {
      id: RequestId;
      type: "done";
      finishReason: "eos" | "stop" | "length" | "context";
      stopString: string;
      /** The stop token that ended it; -1: none. */
      stopToken: number;
      usage: NativeUsage;
      timings: NativeTimings;
      /** Of the drawn tokens, as the model gave them, and how many those are; 0 unless the request asks. */
      logprobSum: number;
      drawn: number;
      /** What was kept of it. */
      state: StateId;
    }
  /** `tokens`: those of the candidate behind what all have in common. */
  | {
      id: RequestId;
      type: "scored";
      tokens: Int32Array;
      logprobs: Float32Array;
      usage: NativeUsage;
      timings: NativeTimings;
    }
  | {
      id: RequestId;
      type: "embedded";
      values: Float32Array;
      tokens: number;
      width: number;
      cached: boolean;
    }
  /** `cut`: tokens that were left out at the text's end. */
  | { id: RequestId; type: "pooled"; values: Float32Array; tokens: number; cached: number; cut: number }
  | { id: RequestId; type: "counted"; tokens: number }
  | { id: RequestId; type: "saved"; tokens: number }
  | { id: RequestId; type: "restored"; state: StateId; tokens: number; note: string }
  | { id: RequestId; type: "adapterLoaded"; info: NativeAdapterInfo }
  | { id: RequestId; type: "adapterUnloaded" }
  | { id: RequestId; type: "failed"; error: MedInferError };

/** What the files say of themselves; the library adds what is not in them. */
export type NativeModelInfo = Omit<ModelInfo, "padToken" | "adapter">;

export type NativeStats = EngineStats;

export type NativeDevice = Device;

/** An image file that was read, outside of JavaScript's memory. */
export interface NativeImage {
  /** A copy. */
  bytes(): Uint8Array;
  /** Frees it here, before it is collected; requests that have it keep it. It cannot be used any more. */
  release(): void;
}

/** One loaded model. Every method returns at once; a closed engine throws CLOSED. */
export interface NativeEngine {
  readonly info: NativeModelInfo;
  /** Rejects with IMAGE_NOT_FOUND, IMAGE_TOO_LARGE or IMAGE_DECODE. Its content's digest is computed on the way. */
  readImage(path: string, maxBytes: number): Promise<NativeImage>;
  /** Returns the id of the request's first completion; events follow. Throws where the request is refused. */
  submit(request: NativeRequest): RequestId;
  embedImage(image: Uint8Array | NativeImage): RequestId;
  /** Ends with pooled or failed. */
  embed(request: NativeEmbedRequest): RequestId;
  /** Ends with counted or failed. How many tokens the model would read of such a prompt: nothing is computed. */
  countTokens(prompt: NativePromptPart[], addSpecial: boolean): RequestId;
  cancel(id: RequestId): void;
  /** Ends it as if it had ended by itself: done comes next, with the reason "stop" and no stop string. */
  finish(id: RequestId): void;
  /** Sends the events that were held back, and further ones as they arise. */
  stream(id: RequestId): void;
  pause(id: RequestId): void;
  resume(id: RequestId): void;
  /** Another state of the same tokens, which share its pages. */
  forkState(state: StateId): StateId;
  dropState(state: StateId): void;
  /** Ends with saved or failed. */
  saveState(state: StateId, path: string, note: string): RequestId;
  /** Ends with restored or failed. */
  restoreState(path: string): RequestId;
  /** Ends with adapterLoaded or failed. */
  loadAdapter(path: string): RequestId;
  /** Ends with adapterUnloaded when no request uses it any more. */
  unloadAdapter(adapter: AdapterId): RequestId;
  stats(): NativeStats;
  tokenize(text: string, addSpecial: boolean, parseSpecial: boolean): Int32Array;
  detokenize(tokens: Int32Array, special: boolean): string;
  /** Resolves when threads are joined and memory is freed. Idempotent. */
  close(): Promise<void>;
}

export interface NativeLoad {
  readonly engine: Promise<NativeEngine>;
  /** The promise then rejects with ABORTED. No effect once loaded. */
  abort(): void;
}

export interface NativeAddon {
  /** Loads the backends that lie in `directory`. Throws where none works. */
  initBackends(directory: string): void;
  /** Loads the CUDA backend first, where there is one; an empty path: there is none. */
  devices(cudaBackend: string): NativeDevice[];
  /**
   * `onEvents` gets all events since its last call, and must not throw. It is held for as long as the
   * engine is open: it must not hold the engine, or the engine is never collected.
   */
  load(
    options: NativeLoadOptions,
    onEvents: (events: NativeEvent[]) => void,
    onProgress: (fraction: number) => void,
  ): NativeLoad;
  /** The grammar of the JSON that a schema (JSON text) describes. Throws where the schema says what no grammar keeps. */
  jsonSchemaToGrammar(schema: string): string;
  /** Throws INVALID_ARGUMENT where no format can be found. Takes some tens of milliseconds. */
  chatFormat(source: string, bosToken: string, eosToken: string): NativeChatFormat;
  builtinChatTemplates(): string[];
  applyBuiltinChatTemplate(
    name: string,
    messages: { role: string; content: string }[],
    addGenerationPrompt: boolean,
  ): string;
  /** Throws where the request is refused. */
  inspectSampling(request: NativeInspectRequest): NativeInspection;
}

/** What require() gives of the addon. */
export interface AddonModule {
  /**
   * The addon, with every error that it or one of its engines makes being `new errorClass(code, message, { retryable })`.
   * For one copy of the library: an environment may hold several, each with a class of its own.
   */
  withErrorClass(errorClass: typeof MedInferError): NativeAddon;
}
