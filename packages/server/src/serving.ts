import type { Engine, GenerationResult } from "medinfer";
import { counted } from "./accounting/counted-engine.js";
import { Tally, type Spent } from "./accounting/tally.js";
import type { Watch } from "./accounting/watch.js";
import type { Terms } from "./generate/terms.js";
import type { Call } from "./http/route.js";
import { StreamStore } from "./http/stream-store.js";
import type { ImageReader } from "./images/image-reader.js";
import type { Lease, ModelPool } from "./models/model-pool.js";
import type { ServedModel } from "./models/served-model.js";
import type { Admission } from "./people/admission.js";
import type { Outcome, Recorder } from "./telemetry/recorder.js";

/** Limits of single answers. */
export interface AnswerLimits {
  /** Tokens of an answer whose request names no limit. */
  defaultMaxTokens: number;
  /** Most milliseconds of an answer, from its arrival at the engine. */
  timeLimitMs: number;
}

/** What a request that generates is served with. */
export interface Served {
  readonly engine: Engine;
  readonly model: ServedModel;
  readonly terms: Terms;
}

/** What routes are made of: the parts of a server that they share. */
export interface ServingParts {
  readonly models: ModelPool;
  readonly images: ImageReader;
  readonly admission: Admission;
  readonly recorder: Recorder;
  readonly limits: AnswerLimits;
}

/** The way of a request that needs a model: a lease of it, a place in the queue, an account of what became of it. */
export class Serving {
  readonly models: ModelPool;
  readonly images: ImageReader;
  readonly streams = new StreamStore();
  readonly #parts: ServingParts;

  constructor(parts: ServingParts) {
    this.#parts = parts;
    this.models = parts.models;
    this.images = parts.images;
  }

  /** What is decided of a request before any model is asked. */
  terms({ who, signal }: Call): Terms {
    return { ...this.#parts.limits, cacheSalt: who.cacheSalt, signal };
  }

  /**
   * Runs `work` with a model that generates. Its result is recorded, and so is what it fails with.
   *
   * What can be refused at once is refused before anything is waited for: see http/patience.ts.
   *
   * @throws Problem or MedInferError (rejects)
   */
  generate<T extends GenerationResult>(call: Call, name: string, work: (served: Served) => Promise<T>): Promise<T> {
    const tally = new Tally();
    return this.#visit(call, name, "generate", tally, ({ model, engine }, watch) => {
      return work({ engine: counted(engine, watch, (spent) => tally.add(spent)), model, terms: this.terms(call) });
    });
  }

  /**
   * Runs `work` with a model that reads and writes nothing: embeddings, rankings, scores.
   *
   * @throws Problem or MedInferError (rejects)
   */
  read<T extends { usage: { promptTokens: number } }>(
    call: Call,
    name: string,
    task: "generate" | "embed" | "rerank",
    work: (lease: Lease) => Promise<T>,
  ): Promise<T> {
    const tally = new Tally();
    return this.#visit(call, name, task, tally, async (lease) => {
      const result = await work(lease);
      tally.add(result.usage);
      return result;
    });
  }

  /** @param tally what `work` has taken when it has ended, well or not */
  async #visit<T extends Outcome>(
    call: Call,
    name: string,
    task: "generate" | "embed" | "rerank",
    tally: Spent,
    work: (lease: Lease, watch: Watch) => Promise<T>,
  ): Promise<T> {
    const { admission, recorder } = this.#parts;
    recorder.asks(call, this.models.findFor(name, task));
    const visit = admission.arrive(call);
    try {
      return await this.withModel(call, name, task, async (lease) => {
        const { model } = lease;
        const entry = recorder.entering(call, model);
        await visit.place(model);
        try {
          const result = await work(lease, entry.admitted());
          recorder.answered(call, model, result);
          return result;
        } finally {
          recorder.spent(call, model, tally);
          visit.spent(tally.promptTokens + tally.completionTokens);
        }
      });
    } finally {
      visit.leave();
    }
  }

  /** Runs `work` with a model of a task, which stays loaded meanwhile. */
  async withModel<T>(
    call: Call,
    name: string,
    task: "generate" | "embed" | "rerank",
    work: (lease: Lease) => Promise<T> | T,
  ): Promise<T> {
    const lease = await this.models.use(name, task, call.signal);
    try {
      return await work(lease);
    } finally {
      lease.release();
    }
  }
}
