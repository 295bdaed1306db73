import { statSync } from "node:fs";
import type { Engine } from "medinfer";
import type { ModelConfig } from "./model-config.js";

/** `"unloaded"`: its files are not in memory. */
export type ModelState = "unloaded" | "loading" | "loaded" | "unloading";

/** Loads an engine; of tests, another than the library's. */
export type LoadEngine = (config: ModelConfig, onProgress: (share: number) => void) => Promise<Engine>;

/** What an engine takes beside its weights, before it was ever loaded: a guess. */
const GUESSED_SHARE = 1.25;

/** One model: its engine while it is loaded, and who uses it. */
export class ServedModel {
  readonly config: ModelConfig;
  /** Seconds since 1970, as OpenAI's lists tell it. */
  readonly created = Math.floor(Date.now() / 1000);
  readonly #load: LoadEngine;
  #engine: Engine | undefined;
  #loading: Promise<Engine> | undefined;
  #unloading: Promise<void> | undefined;
  #bytes: number | undefined;
  #leases = 0;
  #progress = 0;
  #usedAt = 0;

  constructor(config: ModelConfig, load: LoadEngine) {
    this.config = config;
    this.#load = load;
  }

  get name(): string {
    return this.config.name;
  }

  get state(): ModelState {
    if (this.#unloading !== undefined) return "unloading";
    if (this.#engine !== undefined) return "loaded";
    return this.#loading === undefined ? "unloaded" : "loading";
  }

  /** The engine, where it is loaded. */
  get engine(): Engine | undefined {
    return this.#unloading === undefined ? this.#engine : undefined;
  }

  /** How far it is loaded, from 0 to 1. */
  get progress(): number {
    return this.state === "loaded" ? 1 : this.#progress;
  }

  /** How many use it, or wait for it. */
  get leases(): number {
    return this.#leases;
  }

  /** When it was used last, in the milliseconds of `performance.now()`. */
  get usedAt(): number {
    return this.#usedAt;
  }

  /** Bytes that it takes, or will: as the engine measured them, before the first load a guess from its files. */
  get bytes(): number {
    return this.#bytes ?? GUESSED_SHARE * fileBytes(this.config);
  }

  /** Bytes that it takes now. */
  get bytesHeld(): number {
    return this.state === "unloaded" ? 0 : this.bytes;
  }

  /**
   * Keeps it from being unloaded to make room, loaded or still to be loaded, until it is released as often as it was held.
   *
   * @returns releases it; a second call does nothing
   */
  hold(): () => void {
    this.#leases += 1;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#leases -= 1;
      if (this.state === "loaded") this.#usedAt = performance.now();
    };
  }

  /** Loads it, once for all who ask meanwhile. */
  load(): Promise<Engine> {
    this.#loading ??= this.#loadNow().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  async #loadNow(): Promise<Engine> {
    await this.#unloading;
    if (this.#engine !== undefined) return this.#engine;
    this.#progress = 0;
    const engine = await this.#load(this.config, (share) => (this.#progress = share));
    const { memory } = engine.info;
    this.#bytes = memory.reduce((sum, each) => sum + each.weights + each.kv + each.compute + each.projector, 0);
    this.#usedAt = performance.now();
    this.#engine = engine;
    return engine;
  }

  /** Ends what runs on it, and frees its memory. */
  unload(): Promise<void> {
    this.#unloading ??= this.#unloadNow().finally(() => (this.#unloading = undefined));
    return this.#unloading;
  }

  async #unloadNow(): Promise<void> {
    await this.#loading?.catch(() => {});
    const engine = this.#engine;
    await engine?.close();
    this.#engine = undefined;
  }
}

function fileBytes({ model, mmproj, draft }: ModelConfig): number {
  const files = [model, mmproj === "auto" ? undefined : mmproj, draft].filter((file) => file !== undefined && file !== null);
  return files.reduce((sum, file) => sum + bytesOf(file), 0);
}

/** What is no file has none: the library says what is wrong with it. */
function bytesOf(file: string | URL): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}
