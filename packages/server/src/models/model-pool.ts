import { EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Engine, MedInferError, type ModelInfo } from "medinfer";
import { Problem } from "../http/problem.js";
import type { ModelConfig } from "./model-config.js";
import { ModelLoadError } from "./model-load-error.js";
import { ServedModel, type LoadEngine, type ModelState } from "./served-model.js";

export interface ModelPoolOptions {
  /** Most bytes that loaded models take together: weights, KV pools, buffers. Default: no limit. */
  memoryBudget?: number;
  /** Milliseconds after which a model that nobody uses is unloaded; 0: never. Default 0. */
  unloadAfterMs?: number;
  /**
   * What becomes of a request whose model is not loaded yet: `"wait"`, or `"refuse"`: 503 with Retry-After, and it loads.
   * Default `"wait"`.
   */
  whileLoading?: "wait" | "refuse";
  loadEngine?: LoadEngine;
}

/** A model that a request uses: released, it may be unloaded. */
export interface Lease {
  readonly model: ServedModel;
  readonly engine: Engine;
  release(): void;
}

/** How long a request waits for others to leave models that have to make room. */
const ROOM_MS = 60_000;
const LOOK_MS = 50;

/** A change of a model's state, as it is told to whoever listens. */
export interface ModelChange {
  model: string;
  state: ModelState;
}

/**
 * The models of a server, by name: loaded when they are asked for, within a budget of bytes, the one unused for longest
 * unloaded first.
 */
export class ModelPool extends EventEmitter<{ change: [ModelChange] }> {
  readonly #models: ServedModel[];
  readonly #byName = new Map<string, ServedModel>();
  readonly #budget: number;
  readonly #whileLoading: "wait" | "refuse";
  readonly #idle: NodeJS.Timeout | undefined;
  /** Makes room for one model at a time: two that both see the same free bytes would take them twice. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #turns = new Map<ServedModel, Promise<void>>();
  /** Of loads that nobody waited for: what they failed with, until somebody is told. */
  readonly #untold = new Map<ServedModel, Error>();
  #closed = false;

  constructor(configs: readonly ModelConfig[], options: ModelPoolOptions = {}) {
    super();
    this.#budget = options.memoryBudget ?? Infinity;
    this.#whileLoading = options.whileLoading ?? "wait";
    const load = options.loadEngine ?? (options.memoryBudget === undefined ? loadEngine : loadWithinBudget);
    this.#models = configs.map((config) => new ServedModel(config, load));
    for (const model of this.#models) {
      for (const name of [model.name, ...(model.config.aliases ?? [])]) {
        if (this.#byName.has(name)) throw new RangeError(`two models have the name or alias ${name}: names have to differ`);
        this.#byName.set(name, model);
      }
    }
    const { unloadAfterMs = 0 } = options;
    if (unloadAfterMs > 0) {
      this.#idle = setInterval(() => this.#unloadIdle(unloadAfterMs), Math.min(unloadAfterMs, 10_000)).unref();
    }
  }

  get models(): readonly ServedModel[] {
    return this.#models;
  }

  /** @throws Problem 404 */
  find(name: string): ServedModel {
    const model = this.#byName.get(name);
    if (model !== undefined) return model;
    const known = this.#models.map((each) => each.name).join(", ");
    throw new Problem(404, "model_not_found", `there is no model of that name: this server has ${known}`, {
      param: "model",
    });
  }

  /**
   * @param task what a request needs it for
   * @throws Problem 404, or 400 where the model is for another task
   */
  findFor(name: string, task: ModelInfo["task"]): ServedModel {
    const model = this.find(name);
    const configured = model.config.task ?? "generate";
    if (configured === task) return model;
    const what = `the model is served for the task "${configured}", and this call needs "${task}"`;
    throw new Problem(400, "wrong_task", `${what}: name another model`, { param: "model" });
  }

  /**
   * A model for a request, loaded where it is not.
   *
   * @param task what the request needs it for
   * @throws Problem (rejects) 400 where the model is for another task, 503 while it loads or finds no room
   * @throws ModelLoadError (rejects) where the library refuses it
   */
  async use(name: string, task: ModelInfo["task"], signal?: AbortSignal): Promise<Lease> {
    const model = this.findFor(name, task);
    // From now on it does not have to make room for others, which else take turns at unloading what each has just loaded.
    const release = model.hold();
    try {
      // An operator may have unloaded it between its loading and this request's turn.
      do await this.load(model, { signal });
      while (model.engine === undefined);
      return { model, engine: model.engine, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** @throws Problem (rejects) 503, or ModelLoadError */
  async load(model: ServedModel, { signal, wait }: { signal?: AbortSignal; wait?: boolean } = {}): Promise<void> {
    if (this.#closed) throw loadingProblem("the server is ending");
    if (model.engine !== undefined) return;
    const waits = wait ?? this.#whileLoading === "wait";
    const untold = this.#untold.get(model);
    this.#untold.delete(model);
    if (untold !== undefined && !waits) throw untold;
    const loading = this.#inTurn(model);
    if (waits) await orAborted(loading, signal);
    else {
      loading.catch((error: Error) => this.#untold.set(model, error)); // told to the next who asks
      throw loadingProblem("the model is being loaded");
    }
  }

  async unload(model: ServedModel): Promise<void> {
    if (model.state === "unloaded") return;
    const done = model.unload();
    this.#tell(model);
    await done;
    this.#tell(model);
  }

  /** Loads what is to be kept loaded. @throws ModelLoadError (rejects), or Problem */
  async start(): Promise<void> {
    for (const model of this.#models) if (model.config.keepLoaded === true) await this.load(model, { wait: true });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#idle);
    await Promise.all(this.#models.map((model) => this.unload(model)));
  }

  /** One turn for all who ask for the model meanwhile: it stays loaded for each of them. */
  #inTurn(model: ServedModel): Promise<void> {
    const before = this.#turns.get(model);
    if (before !== undefined) return before;
    const turn = this.#turn.then(() => this.#loadNow(model)).finally(() => this.#turns.delete(model));
    this.#turns.set(model, turn);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #loadNow(model: ServedModel): Promise<void> {
    if (model.engine !== undefined) return;
    await this.#makeRoom(model);
    if (this.#closed) throw loadingProblem("the server is ending");
    const loading = model.load();
    this.#tell(model);
    try {
      await loading;
    } catch (error) {
      throw error instanceof MedInferError ? new ModelLoadError(model.name, error) : error;
    } finally {
      this.#tell(model);
    }
    // What it takes is known only now.
    if (this.#held() > this.#budget) await this.#makeRoom(model);
  }

  async #makeRoom(model: ServedModel): Promise<void> {
    const kept = this.#models.filter((each) => each !== model && each.config.keepLoaded === true);
    const never = kept.reduce((sum, each) => sum + each.bytesHeld, model.bytes) > this.#budget;
    const deadline = performance.now() + ROOM_MS;
    const needed = () => this.#held() - model.bytesHeld + model.bytes - this.#budget;
    while (needed() > 0) {
      const others = this.#models.filter((each) => each !== model && each.state === "loaded");
      // Others are not unloaded for one that does not fit beside nobody either.
      if (never || others.every((each) => each.config.keepLoaded === true)) {
        await this.unload(model);
        throw new Problem(503, "memory_budget", "the model does not fit into the server's memory budget", {
          headers: { "x-should-retry": "false" },
        });
      }
      const idle = others.filter((each) => each.leases === 0 && each.config.keepLoaded !== true);
      const [oldest] = idle.sort((a, b) => a.usedAt - b.usedAt);
      if (oldest !== undefined) await this.unload(oldest);
      else if (performance.now() < deadline) await sleep(LOOK_MS);
      else {
        await this.unload(model);
        throw loadingProblem("other models are in use, and there is no memory for this one beside them");
      }
    }
  }

  #held(): number {
    return this.#models.reduce((sum, each) => sum + each.bytesHeld, 0);
  }

  #unloadIdle(afterMs: number): void {
    const before = performance.now() - afterMs;
    for (const model of this.#models) {
      const idle = model.state === "loaded" && model.leases === 0 && model.usedAt < before;
      if (idle && model.config.keepLoaded !== true) void this.unload(model);
    }
  }

  #tell(model: ServedModel): void {
    this.emit("change", { model: model.name, state: model.state });
  }
}

const loadEngine: LoadEngine = ({ name: _name, aliases: _aliases, keepLoaded: _keepLoaded, ...options }, onProgress) =>
  Engine.load({ ...options, onProgress });

/** What a model takes is measured as it is loaded: pages that it would keep beside its pool come later. */
const loadWithinBudget: LoadEngine = (config, onProgress) =>
  loadEngine({ ...config, kv: { ...config.kv, hostCacheBytes: config.kv?.hostCacheBytes ?? 0 } }, onProgress);

function loadingProblem(why: string): Problem {
  return new Problem(503, "model_loading", `${why}: ask again in a few seconds`, { headers: { "retry-after": "2" } });
}

function orAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new Problem(499, "client_gone", "the client is gone"));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
