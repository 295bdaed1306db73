/** Runs texts through an engine that embeds or reranks: many at once, so that passes are full, and never all of them. */
import { orderedPool } from "../annotate/ordered-pool.js";
import { CallEnd } from "../call-end.js";
import type { EngineCore } from "../core.js";
import { argumentError, MedInferError } from "../errors.js";
import { runTask } from "../native/task.js";
import { pause } from "../pause.js";

/** A text and its place among the caller's. */
export interface PlacedText {
  index: number;
  text: string;
}

/** What the engine has made of a text. */
export interface TextRow {
  index: number;
  /** As the model gives them. */
  values: Float32Array;
  /** Tokens that were read, special ones included. */
  tokens: number;
  /** Of them, those that were in the KV cache. */
  cached: number;
  /** Tokens that were left out at the text's end. */
  cut: number;
}

export interface ReadSettings {
  /** As messages name the call, e.g. `"engine.embed"`. */
  call: string;
  /** As they name the list of texts, e.g. `"texts"`. */
  list: string;
  query: string | null;
  truncate: boolean;
  cacheSalt: string;
  priority: number;
  signal?: AbortSignal | undefined;
}

/** Texts that the engine has at once: some passes' worth of short ones, so that it always finds those that fill a pass. */
const MOST_AT_ONCE = 256;
/** Finished rows that may wait for an unfinished one before them, per text that runs. */
const WINDOW = 4;
/** How long a text waits, in milliseconds, where requests of others fill the engine's queue. */
const QUEUE_RETRY_MS = 50;

/** Longest first: what is left at the end is short, and fills the last passes. By characters, as tokens are not known yet. */
export function longestFirst(texts: readonly string[]): PlacedText[] {
  return texts.map((text, index) => ({ text, index })).sort((a, b) => b.text.length - a.text.length);
}

/**
 * The rows of texts, in the order of `texts`. Ending the iteration early ends what is under way.
 *
 * @throws MedInferError (from the iteration) that of the first text that fails, naming it; `ABORTED`
 */
export async function* readTexts(
  core: EngineCore,
  texts: AsyncIterable<PlacedText> | Iterable<PlacedText>,
  settings: ReadSettings,
): AsyncGenerator<TextRow, void, undefined> {
  const end = new CallEnd(core, settings.call, settings.signal);
  const job = (placed: PlacedText) => readText(core, placed, settings, end.requests);
  try {
    yield* orderedPool(texts, job, {
      concurrency: MOST_AT_ONCE,
      window: MOST_AT_ONCE * WINDOW,
      end: end.wait,
    });
  } catch (error) {
    end.throwIfAborted();
    throw error;
  } finally {
    end.finish();
  }
}

async function readText(
  core: EngineCore,
  { index, text }: PlacedText,
  { query, truncate, cacheSalt, priority, ...names }: ReadSettings,
  signal: AbortSignal,
): Promise<TextRow> {
  const name = `${names.call}: ${names.list}[${index}]`;
  if (typeof text !== "string") throw argumentError(name, "", "must be a string");
  for (;;) {
    signal.throwIfAborted();
    try {
      const request = { text, query, truncate, cacheSalt, priority };
      const row = await runTask(core, "pooled", (native) => native.embed(request), signal);
      // Of this realm, where the addon's may be of another.
      return {
        index,
        values: new Float32Array(row.values.buffer),
        tokens: row.tokens,
        cached: row.cached,
        cut: row.cut,
      };
    } catch (error) {
      if (!(error instanceof MedInferError)) throw error;
      if (error.code !== "QUEUE_FULL") throw named(name, error);
    }
    await pause(QUEUE_RETRY_MS, signal);
  }
}

/** The error with the name of its text, where it is the text's. */
function named(name: string, error: MedInferError): MedInferError {
  const { code, retryable } = error;
  if (code !== "CONTEXT_FULL" && code !== "INVALID_ARGUMENT") return error;
  const message = `${name}: ${error.message}`;
  return new MedInferError(code, message, { retryable, issues: [...error.issues], cause: error });
}
