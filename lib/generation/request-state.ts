/** The life of one request, from the call to its end. */
import { clearTimeout, setTimeout } from "node:timers";
import { onAbort } from "../abort.js";
import { NO_STATE, type NativeEvent, type StateId } from "../native/types.js";
import { abortedError, toMedInferError, type MedInferError } from "../errors.js";
import { AnswerStream } from "./answer-stream.js";
import type { CompletionEnd, RequestFacts } from "./completion.js";
import { completionCount, Completions, type CompletionsWanted } from "./completions.js";
import { EventBuffer } from "./event-buffer.js";
import type { GenerationEvent, GenerationResult } from "./types.js";

/** Unread events at which a request is paused, and at which it goes on. */
export const HIGH_WATER = 64;
export const LOW_WATER = 16;

/** What can be done to a request that the engine has taken. */
export interface RequestControl {
  cancel(): void;
  /** Nothing more is needed of this completion: it is to end as if it had ended by itself. */
  finish(index: number): void;
  /** Events that were held back are to come now, and further ones as they arise. */
  stream(): void;
  pause(): void;
  resume(): void;
}

type Outcome = { result: GenerationResult } | { error: MedInferError };

/**
 * Collects a request's events for two kinds of consumers.
 *
 * - Without a reader, the engine holds the events back, so that they cost nothing, and nothing pauses the request.
 * - With a reader, every event is buffered on its own, and a reader that falls behind pauses the request. Once the result is
 *   asked for as well, the request no longer pauses: from then on events are merged instead.
 *
 * Invariants: the outcome is set once, and nothing follows it; `#control` is set while the engine has the request.
 */
export class RequestState {
  readonly #buffer = new EventBuffer();
  /** What the user called, as messages name it. */
  #call = "the request";
  #named = (error: MedInferError) => error;
  #wanted: CompletionsWanted = { n: 1 };
  #completions: Completions | undefined;
  #json = false;
  #failure: MedInferError | undefined;
  /** What the engine has kept of it. */
  #state = NO_STATE;
  #control: RequestControl | undefined;
  #outcome: Outcome | undefined;
  #abortError: MedInferError | undefined;
  #reading = false;
  #paused = false;
  #result: Deferred | undefined;
  #removeAbortListener: (() => void) | undefined;
  #stopLoading: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether it is to end with what it has. */
  #cutShort = false;

  /** @param onSettled called once, before the result and the last event are out; what it throws, the request fails with */
  constructor(private readonly onSettled?: (result: GenerationResult | undefined, state: StateId) => void) {}

  /** Whether the request has ended, or is about to because it was aborted. */
  get over(): boolean {
    return this.#outcome !== undefined || this.#abortError !== undefined;
  }

  /** Whether there is a reader. */
  get reading(): boolean {
    return this.#reading;
  }

  /** What the user called, as messages name it. */
  nameCall(call: string): void {
    this.#call = call;
  }

  /** How an error of the engine is told, e.g. with the place of what is wrong. Default: as it is. */
  nameErrors(name: (error: MedInferError) => MedInferError): void {
    this.#named = name;
  }

  /** Ends the request when the signal is aborted; at once where it already is. */
  endOnAbort(signal: AbortSignal | undefined): void {
    if (signal === undefined || this.over) return;
    const abort = () => this.abort(abortedError(this.#call, signal.reason));
    if (signal.aborted) {
      abort();
      return;
    }
    this.#removeAbortListener = onAbort(signal, abort);
  }

  /** Ends the request with what it has after so many milliseconds. After endOnAbort() and expect(). */
  endAfter(ms: number | undefined): void {
    if (ms === undefined || this.over) return;
    this.#timer = setTimeout(() => this.finish(), ms);
  }

  /** Something that is under way before the engine has the request, such as a download, and how to stop it. */
  beforeSubmit(stop: () => void): void {
    this.#stopLoading = stop;
  }

  /** A complete answer is JSON. */
  expectJson(): void {
    this.#json = true;
  }

  /** How many completions are wanted. */
  expect(wanted: CompletionsWanted): void {
    this.#wanted = wanted;
  }

  /**
   * The engine has the request; the text of each completion comes through one of `answers`.
   *
   * @param facts for the results
   */
  submitted(
    control: RequestControl,
    answers: readonly AnswerStream[] = [new AnswerStream()],
    facts: Omit<RequestFacts, "json"> = {},
  ): void {
    this.#stopLoading = undefined;
    this.#control = control;
    this.#completions = new Completions(answers, { json: this.#json, ...facts }, this.#wanted);
    this.#add({ type: "queued" });
  }

  /** Ends the request early. One that the engine has taken is over when the engine reports its end. */
  abort(error: MedInferError): void {
    if (this.over) return;
    this.#abortError = error;
    this.#buffer.clear();
    if (this.#control === undefined) {
      this.#stopLoading?.();
      this.#settle({ error });
    } else {
      this.#callEngine((control) => control.cancel());
    }
  }

  /** Ends the request with what it has. */
  finish(): void {
    if (this.over || this.#cutShort) return;
    this.#cutShort = true;
    const count = completionCount(this.#wanted);
    if (this.#control !== undefined) {
      this.#callEngine((control) => {
        for (let i = 0; i < count; i++) control.finish(i);
      });
      return;
    }
    this.#stopLoading?.();
    const answers = Array.from({ length: count }, () => new AnswerStream());
    this.#completions = new Completions(answers, { json: this.#json }, this.#wanted);
    for (let i = 0; i < count; i++) this.onEvent(NOTHING, i);
  }

  /** The request never reached the engine. */
  fail(error: unknown): void {
    if (this.#outcome === undefined) this.#settle(failed(error));
  }

  /** An event of one completion. */
  onEvent(event: NativeEvent, index = 0): void {
    const completions = this.#completions;
    if (this.#outcome !== undefined || completions === undefined) return;
    if (event.type === "done") this.#state = event.state;
    const ended = this.#abortError !== undefined || this.#failure !== undefined;
    if (event.type === "failed") {
      completions.lose();
      // One failure fails all: the others end, too, and then the request.
      if (!ended && completions.left > 0) this.#callEngine((control) => control.cancel());
      this.#failure ??= this.#named(event.error);
    } else if (ended) {
      if (event.type === "done") completions.lose();
    } else if (event.type === "done") {
      this.#emit(completions.finish(index, this.#endOf(event, completions.stopped(index))));
    } else {
      const stopped = completions.stopped(index);
      this.#emit(completions.push(index, event));
      if (!stopped && completions.stopped(index)) this.#callEngine((control) => control.finish(index));
    }
    if (completions.left === 0) this.#finish(completions);
  }

  /** The promise of the result, made when it is first asked for: one that was never made cannot go unhandled. */
  get result(): Promise<GenerationResult> {
    if (this.#result === undefined) {
      this.#result = deferred();
      if (this.#outcome !== undefined) this.#settleResult(this.#outcome);
      this.#resume();
    }
    return this.#result.promise;
  }

  /** Begins to read. Returns false where there is a reader already. */
  startReading(): boolean {
    if (this.#reading) return false;
    this.#reading = true;
    this.#callEngine((control) => control.stream());
    return true;
  }

  /** The next event, for the reader. */
  next(): Promise<IteratorResult<GenerationEvent, undefined>> {
    const next = this.#buffer.next();
    if (this.#buffer.length <= LOW_WATER) this.#resume();
    return next;
  }

  /** The reader has left. */
  stopReading(): void {
    this.#buffer.close();
    this.abort(abortedError(`${this.#call}, whose events are no longer read,`));
  }

  /** As the engine says; where it was asked to end for the time's sake, it says that it was stopped, by nothing. */
  #endOf(event: CompletionEnd & { id: number }, stopped: boolean): CompletionEnd {
    const byNothing = event.finishReason === "stop" && event.stopString === "" && event.stopToken < 0 && !stopped;
    return this.#cutShort && byNothing ? { ...event, finishReason: "time" } : event;
  }

  /** A call that fails fails the request: its state in the engine is unknown. */
  #callEngine(call: (control: RequestControl) => void): void {
    if (this.#control === undefined) return;
    try {
      call(this.#control);
    } catch (error) {
      this.fail(error);
    }
  }

  #emit(events: readonly GenerationEvent[]): void {
    for (const event of events) this.#add(event);
  }

  #finish(completions: Completions): void {
    if (this.#outcome !== undefined) return;
    const error = this.#abortError ?? this.#failure;
    if (error !== undefined) {
      this.#settle({ error });
      return;
    }
    const result = completions.result();
    this.#add({ type: "done", ...result });
    this.#settle({ result });
  }

  #add(event: GenerationEvent): void {
    const patient = this.#reading && this.#result === undefined;
    if (patient || (this.#reading && this.#buffer.length < HIGH_WATER)) this.#buffer.push(event);
    else this.#buffer.merge(event);
    if (patient && !this.#paused && this.#buffer.length >= HIGH_WATER) {
      this.#paused = true;
      this.#callEngine((control) => control.pause());
    }
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#callEngine((control) => control.resume());
  }

  #settle(found: Outcome): void {
    this.#outcome = found;
    let outcome = found;
    try {
      this.onSettled?.("result" in found ? found.result : undefined, this.#state);
    } catch (error) {
      outcome = failed(error);
    }
    this.#outcome = outcome;
    this.#control = undefined;
    this.#completions = undefined;
    this.#stopLoading = undefined;
    this.#removeAbortListener?.();
    this.#removeAbortListener = undefined;
    clearTimeout(this.#timer);
    this.#buffer.end("error" in outcome ? outcome.error : undefined);
    this.#settleResult(outcome);
  }

  #settleResult(outcome: Outcome): void {
    if (this.#result === undefined) return;
    if ("result" in outcome) {
      this.#result.resolve(outcome.result);
      return;
    }
    this.#result.reject(outcome.error);
    // A reader gets the error from the events: a result that is not awaited must not end the process as well.
    if (this.#reading) this.#result.promise.catch(() => {});
  }
}

/** What the engine would say of a request that it never had. */
const NOTHING: NativeEvent = {
  id: 0,
  type: "done",
  finishReason: "stop",
  stopString: "",
  stopToken: -1,
  usage: {
    promptTokens: 0,
    imageTokens: 0,
    completionTokens: 0,
    cachedTokens: 0,
    imagesCached: 0,
    draftTokens: 0,
    acceptedTokens: 0,
  },
  timings: { queueMs: 0, encodeMs: 0, prefillMs: 0, firstTokenMs: 0, decodeMs: 0, totalMs: 0 },
  logprobSum: 0,
  drawn: 0,
  state: NO_STATE,
};

function failed(error: unknown): Outcome {
  return { error: toMedInferError(error) };
}

interface Deferred {
  promise: Promise<GenerationResult>;
  resolve(result: GenerationResult): void;
  reject(error: MedInferError): void;
}

function deferred(): Deferred {
  let resolve!: Deferred["resolve"];
  let reject!: Deferred["reject"];
  const promise = new Promise<GenerationResult>((onResult, onError) => {
    resolve = onResult;
    reject = onError;
  });
  return { promise, resolve, reject };
}
