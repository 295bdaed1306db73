import { runTask, type TaskHost } from "../native/task.js";
import type { AdapterId, NativeAdapterInfo } from "../native/types.js";
import { MedInferError } from "../errors.js";

/** The engine that has adapters. */
export interface AdapterHost extends TaskHost {
  readonly adapters: { remove(adapter: LoraAdapter): void };
}

/**
 * A LoRA adapter that an engine has loaded. Made by {@link Engine.loadAdapter}; a request that names it in its `adapters`
 * has it, and no other.
 *
 * @example
 * await using adapter = await engine.loadAdapter("radiology-lora.gguf");
 * const { text } = await engine.chat({ messages, adapters: [{ adapter }] }).result;
 */
export class LoraAdapter {
  readonly #core: AdapterHost;
  readonly #id: AdapterId;
  #unloading: Promise<void> | undefined;

  /** What requests may call it in place of the object. */
  readonly name: string;
  /** The absolute path of its file. */
  readonly path: string;
  /** What the file calls itself, `general.name`; `""`: nothing. */
  readonly title: string;
  /** The architecture of the model that it was trained for, e.g. `"llama"`. */
  readonly architecture: string;
  /** What it was trained to do, as its file says; `""`: it says nothing. */
  readonly task: string;
  /** What its file wants prompts to begin with, which is the caller's to do; `""`: nothing. */
  readonly promptPrefix: string;
  /** What it adds is multiplied by alpha over rank; 0: by 1. */
  readonly alpha: number;
  /** The largest rank of what it adds. */
  readonly rank: number;
  /** How many of the model's weights it adds to. */
  readonly weights: number;
  /** What it takes of memory, beside the model's weights, on their device. */
  readonly bytes: number;
  /** SHA-256, in hex, of all that it adds: adapters of equal digests compute alike. */
  readonly digest: string;

  /** @internal */
  constructor(core: AdapterHost, id: AdapterId, file: { name: string; path: string }, info: NativeAdapterInfo) {
    this.#core = core;
    this.#id = id;
    this.name = file.name;
    this.path = file.path;
    this.title = info.name;
    this.architecture = info.architecture;
    this.task = info.task;
    this.promptPrefix = info.promptPrefix;
    this.alpha = info.alpha;
    this.rank = info.rank;
    this.weights = info.weights;
    this.bytes = info.bytes;
    this.digest = info.digest;
  }

  /** @internal The engine's number for it; undefined where it is another engine's. */
  idIn(core: AdapterHost): AdapterId | undefined {
    return core === this.#core ? this.#id : undefined;
  }

  /**
   * Frees the adapter, and what was computed with it. From the call on no request can name it; resolves when the last
   * request that uses it has ended. A second call waits for the same. After the engine is closed, there is nothing to do.
   */
  unload(): Promise<void> {
    this.#core.adapters.remove(this);
    this.#unloading ??= this.#unload();
    return this.#unloading;
  }

  /** The same as unload(), for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.unload();
  }

  async #unload(): Promise<void> {
    try {
      await runTask(this.#core, "adapterUnloaded", (native) => native.unloadAdapter(this.#id));
    } catch (error) {
      if (!(error instanceof MedInferError && error.code === "CLOSED")) throw error;
    }
  }
}
