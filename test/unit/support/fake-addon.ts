/** A native addon without a model: it records what is asked of it, and the test says what happens. */
import { MedInferError, type NativeCode } from "../../../lib/errors.js";
import type {
  NativeAddon,
  NativeChatFormat,
  NativeEmbedRequest,
  NativeEngine,
  NativeEvent,
  NativeImage,
  NativeInspection,
  NativeInspectRequest,
  NativeLoad,
  NativeLoadOptions,
  NativeModelInfo,
  NativePromptPart,
  NativeRequest,
  NativeStats,
  StateId,
} from "../../../lib/native/types.js";
import { readImage } from "./read-image.js";

/** An error as the addon makes it: of the library's class. */
export function nativeError(code: NativeCode, message = "of the addon", retryable = false) {
  return new MedInferError(code, message, { retryable });
}

export const usage = {
  promptTokens: 3,
  imageTokens: 0,
  completionTokens: 2,
  cachedTokens: 0,
  imagesCached: 0,
  draftTokens: 0,
  acceptedTokens: 0,
};
export const timings = {
  queueMs: 1,
  encodeMs: 0,
  prefillMs: 2,
  firstTokenMs: 3,
  decodeMs: 4,
  totalMs: 5,
};

/** An event without the id of its request. */
export type NativeEventOf = NativeEvent extends infer E ? (E extends { id: number } ? Omit<E, "id"> : never) : never;

export const nativeEvent = {
  text: (text: string): NativeEventOf => ({ type: "text", text }),
  prefill: (done: number, total: number): NativeEventOf => ({ type: "prefill", done, total }),
  done: (finishReason: "eos" | "stop" | "length" | "context" = "eos"): NativeEventOf => ({
    type: "done",
    finishReason,
    stopString: finishReason === "stop" ? "###" : "",
    stopToken: -1,
    usage,
    timings,
    logprobSum: 0,
    drawn: 0,
    state: 0 as StateId,
  }),
  failed: (code: NativeCode, message?: string, retryable?: boolean): NativeEventOf => ({
    type: "failed",
    error: nativeError(code, message, retryable),
  }),
};

/** Token ids: the bytes of a text, and these from 256 up. */
export const controlTexts = ["<s>", "</s>", "<|im_start|>", "<|im_end|>"];

export class FakeEngine implements NativeEngine {
  readonly requests = new Map<number, NativeRequest>();
  readonly images = new Map<number, Uint8Array | NativeImage>();
  /** Texts to embed, or documents. */
  readonly texts = new Map<number, NativeEmbedRequest>();
  /** What was saved, by path. */
  readonly files = new Map<string, string>();
  /** What countTokens() said. */
  readonly counted: number[] = [];
  countFailure: MedInferError | undefined;
  /** What was called beside submit, e.g. `"pause 1"`. */
  readonly calls: string[] = [];
  /** Called with every new request, in a later turn of the event loop. */
  onSubmit: ((id: number, request: NativeRequest) => void) | undefined;
  refusal: MedInferError | undefined;
  /** What all calls beside submit throw. */
  callFailure: MedInferError | undefined;
  closed = false;
  #lastId = 0;

  constructor(
    readonly info: NativeModelInfo,
    readonly onEvents: (events: NativeEvent[]) => void,
  ) {}

  get lastId(): number {
    return this.#lastId;
  }

  emit(id: number, ...events: NativeEventOf[]): void {
    this.onEvents(events.map((event) => ({ id, ...event }) as NativeEvent));
  }

  submit(request: NativeRequest): number {
    this.#requireOpen();
    if (this.refusal !== undefined) throw this.refusal;
    const id = this.#lastId + 1;
    this.#lastId += request.n;
    this.requests.set(id, request);
    if (this.onSubmit !== undefined) setImmediate(() => this.onSubmit?.(id, request));
    return id;
  }

  readImage(path: string, maxBytes: number): Promise<NativeImage> {
    this.#requireOpen();
    return readImage(path, maxBytes);
  }

  embedImage(image: Uint8Array | NativeImage): number {
    this.#requireOpen();
    const id = ++this.#lastId;
    this.images.set(id, image);
    return id;
  }

  embed(request: NativeEmbedRequest): number {
    this.#requireOpen();
    if (this.refusal !== undefined) throw this.refusal;
    const id = ++this.#lastId;
    this.texts.set(id, request);
    return id;
  }

  /** A token for each byte, and 100 for an image. */
  countTokens(prompt: NativePromptPart[]): number {
    this.#requireOpen();
    const id = ++this.#lastId;
    const sizes = prompt.map((part) => ("text" in part ? Buffer.byteLength(part.text) : 100));
    const tokens = sizes.reduce((sum, size) => sum + size, 0);
    this.counted.push(tokens);
    const failure = this.countFailure;
    const end: NativeEventOf = failure === undefined ? { type: "counted", tokens } : { type: "failed", error: failure };
    setImmediate(() => this.emit(id, end));
    return id;
  }

  cancel(id: number): void {
    this.#call("cancel", id);
  }

  finish(id: number): void {
    this.#call("finish", id);
  }

  stream(id: number): void {
    this.#call("stream", id);
  }

  pause(id: number): void {
    this.#call("pause", id);
  }

  resume(id: number): void {
    this.#call("resume", id);
  }

  forkState(state: StateId): StateId {
    this.#call("forkState", state);
    return ++this.#lastId as StateId;
  }

  dropState(state: StateId): void {
    this.#call("dropState", state);
  }

  saveState(state: StateId, path: string, note: string): number {
    this.#call("saveState", state);
    this.files.set(path, note);
    const id = ++this.#lastId;
    setImmediate(() => this.emit(id, { type: "saved", tokens: 0 }));
    return id;
  }

  restoreState(path: string): number {
    this.#requireOpen();
    const id = ++this.#lastId;
    const note = this.files.get(path);
    setImmediate(() => {
      if (note === undefined) this.emit(id, nativeEvent.failed("BAD_SESSION"));
      else this.emit(id, { type: "restored", state: id as StateId, tokens: 0, note });
    });
    return id;
  }

  loadAdapter(path: string): number {
    this.#requireOpen();
    const id = ++this.#lastId;
    const info = {
      name: "",
      architecture: "llama",
      task: "",
      promptPrefix: "",
      alpha: 1,
      rank: 1,
      weights: 1,
      bytes: 1,
    };
    setImmediate(() => this.emit(id, { type: "adapterLoaded", info: { ...info, digest: path } }));
    return id;
  }

  unloadAdapter(adapter: number): number {
    this.#call("unloadAdapter", adapter);
    const id = ++this.#lastId;
    setImmediate(() => this.emit(id, { type: "adapterUnloaded" }));
    return id;
  }

  stats(): NativeStats {
    this.#requireOpen();
    return { queued: this.requests.size } as NativeStats;
  }

  tokenize(text: string, addSpecial: boolean, parseSpecial: boolean): Int32Array {
    this.#requireOpen();
    // Not those by which a load finds out what acts as a control token.
    if (!text.startsWith("<|")) this.calls.push(`tokenize ${addSpecial} ${parseSpecial}`);
    return Int32Array.from(Buffer.from(text));
  }

  detokenize(tokens: Int32Array, special: boolean): string {
    this.#requireOpen();
    return Array.from(tokens, (id) => {
      if (id < 256) return String.fromCharCode(id);
      return special ? (controlTexts[id - 256] ?? "") : "";
    }).join("");
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  #call(name: string, id: number): void {
    this.#requireOpen();
    if (this.callFailure !== undefined) throw this.callFailure;
    this.calls.push(`${name} ${id}`);
  }

  #requireOpen(): void {
    if (this.closed) throw nativeError("CLOSED");
  }
}

export class FakeAddon implements NativeAddon {
  readonly loads: NativeLoadOptions[] = [];
  readonly inspected: NativeInspectRequest[] = [];
  /** The engine of the latest load. */
  engine!: FakeEngine;
  info: Partial<NativeModelInfo> = {};
  /** What a load does instead of succeeding. */
  failure: MedInferError | undefined;
  /** Fractions that a load reports. */
  progress: number[] = [];
  /** Until it resolves, a load is under way. */
  gate: Promise<void> = Promise.resolve();
  aborted = 0;
  /** Where it claims to lie. */
  directory = "/nowhere";

  initBackends(): void {}

  devices() {
    return [{ name: "CPU", description: "test", backend: "cpu", memoryTotal: 2, memoryFree: 1 }];
  }

  load(
    options: NativeLoadOptions,
    onEvents: (events: NativeEvent[]) => void,
    onProgress: (fraction: number) => void,
  ): NativeLoad {
    this.loads.push(options);
    const info = {
      nVocab: 260,
      batchSize: 4,
      nCtxPerRequest: 2048,
      bosToken: "<s>",
      eosToken: "</s>",
      chatTemplate: "vicuna",
      task: options.task,
      nRow: 4,
      labels: [],
      vision: true,
      draft: "",
      heads: false,
      projectorWarning: "",
    };
    this.engine = new FakeEngine({ ...info, ...this.info } as NativeModelInfo, onEvents);
    let reject!: (error: MedInferError) => void;
    const engine = new Promise<NativeEngine>((resolve, rejectIt) => {
      reject = rejectIt;
      void (async () => {
        for (const fraction of this.progress) {
          await Promise.resolve();
          onProgress(fraction);
        }
        await this.gate;
        if (this.failure === undefined) resolve(this.engine);
        else reject(this.failure);
      })();
    });
    return {
      engine,
      abort: () => {
        this.aborted++;
        reject(nativeError("ABORTED"));
      },
    };
  }

  /** Nothing is known of any template's answers. */
  chatFormat(_source: string, _bosToken: string, _eosToken: string): NativeChatFormat {
    throw nativeError("INVALID_ARGUMENT");
  }

  jsonSchemaToGrammar(schema: string): string {
    if (schema.includes("uniqueItems")) {
      throw nativeError("INVALID_ARGUMENT", "jsonSchema: # has the keyword uniqueItems");
    }
    return `grammar of ${schema}`;
  }

  /** Leaves everything as it is. */
  inspectSampling(request: NativeInspectRequest): NativeInspection {
    this.inspected.push(request);
    const ids = Int32Array.from(request.logits.keys());
    return { stages: [{ sampler: "TEMPERATURE", ids, probabilities: request.logits.map(Math.exp) }], token: 0 };
  }

  builtinChatTemplates(): string[] {
    return ["vicuna", "llama2", "chatml", "deepseek", "orion", "zephyr", "seed_oss"];
  }

  /**
   * The three ways of built-in templates with a role they do not know: "deepseek" drops it, "orion" takes it for the
   * assistant, "zephyr" writes it.
   */
  applyBuiltinChatTemplate(
    name: string,
    messages: { role: string; content: string }[],
    addGenerationPrompt: boolean,
  ): string {
    // llama.cpp works on C strings.
    const turns = messages.map(({ role, content }) => ({ role, content: content.split("\0")[0]! }));
    if (name === "zephyr") {
      const said = turns.map(({ role, content }) => `<|${role}|>\n${content}</s>\n`);
      return said.join("") + (addGenerationPrompt ? "<|assistant|>\n" : "");
    }
    const forms: Record<string, (content: string) => string> = {
      system: (content) => content,
      user: (content) => `### Instruction:\n${content}\n`,
      assistant: (content) => `### Response:\n${content}\n`,
    };
    const otherwise = name === "orion" ? forms.assistant! : () => "";
    const said = turns.map(({ role, content }) => (forms[role] ?? otherwise)(content));
    return said.join("") + (addGenerationPrompt ? "### Response:\n" : "");
  }
}
