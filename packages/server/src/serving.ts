import type { Engine, GenerationResult } from "medinfer";
import type { Terms } from "./generate/terms.js";
import type { Call } from "./http/route.js";
import { StreamStore } from "./http/stream-store.js";
import type { ImageReader } from "./images/image-reader.js";
import type { Lease, ModelPool } from "./models/model-pool.js";
import type { ServedModel } from "./models/served-model.js";
import type { Admission } from "./people/admission.js";
import type { Recorder } from "./telemetry/recorder.js";

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

  /**
   * Runs `work` with a model that generates. Its result is recorded, and so is what it fails with.
   *
   * @throws Problem or MedInferError (rejects)
   */
  async generate(call: Call, name: string, work: (served: Served) => Promise<GenerationResult>): Promise<void> {
    const { admission, recorder, limits } = this.#parts;
    await this.withModel(call, name, "generate", async (lease) => {
      const { model } = lease;
      const entry = recorder.entering(call, model);
      const ticket = await admission.enter(model, call);
      const engine = entry.admitted(lease.engine);
      try {
        const terms = { ...limits, cacheSalt: call.who.cacheSalt, signal: call.signal };
        const result = await work({ engine, model, terms });
        recorder.answered(call, model, result);
        ticket.spent(result.usage.promptTokens + result.usage.completionTokens);
      } finally {
        ticket.leave();
      }
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
    return this.withModel(call, name, task, async (lease) => {
      const { admission, recorder } = this.#parts;
      const entry = recorder.entering(call, lease.model);
      const ticket = await admission.enter(lease.model, call);
      entry.admitted(lease.engine);
      try {
        const result = await work(lease);
        recorder.answered(call, lease.model, result);
        ticket.spent(result.usage.promptTokens);
        return result;
      } finally {
        ticket.leave();
      }
    });
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
