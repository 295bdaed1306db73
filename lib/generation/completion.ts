import type { NativeEvent } from "../native/types.js";
import { parseJson } from "../schema/grammar.js";
import type { AnswerStream } from "./answer-stream.js";
import { toLogprobs, toPromptLogprobs, type PromptLogprob, type TokenLogprobs } from "./logprobs.js";
import type { Segment } from "./segments.js";
import type { FinishReason, GenerationEvent, GenerationResult, MadeToolCall, SeenImage } from "./types.js";

/** How a completion ended: as the engine says, or where the library ended it. */
export type CompletionEnd = Omit<Extract<NativeEvent, { type: "done" }>, "finishReason"> & {
  finishReason: FinishReason;
};

/** What a completion has to know of its request. */
export interface RequestFacts {
  /** Whether a complete answer is JSON. */
  json: boolean;
  /** What of the answer is in the prompt; JSON is read with it. */
  begun?: string;
  /** What the result's text begins with: that of the prompt. */
  echo?: string | undefined;
  /** What became of the prompt's images: of the first completion, for all. */
  images?: SeenImage[];
  /** Of the prompt, as far as they have come: of the first completion, for all. */
  promptLogprobs?: (PromptLogprob | null)[];
  /** See {@link GenerationResult.droppedTurns}. */
  droppedTurns?: number | undefined;
}

/** What the engine tells of one completion, as users see it: its events, and at the end its result. */
export class Completion {
  readonly #answer: AnswerStream;
  readonly #facts: RequestFacts;
  #text = "";
  #reasoning = "";
  readonly #calls: MadeToolCall[] = [];
  #logprobs: TokenLogprobs[] | undefined;
  #meanLogprob = 0;
  /** Whether something of the answer was emitted. */
  #begun = false;

  constructor(answer: AnswerStream, facts: RequestFacts) {
    this.#answer = answer;
    this.#facts = facts;
  }

  /** Whether a stop was found, which the engine may not know of. */
  get stopped(): boolean {
    return this.#answer.stop !== undefined;
  }

  /** How likely the model found what it drew, on average. After finish(), where the request asked for it. */
  get meanLogprob(): number {
    return this.#meanLogprob;
  }

  /** What to emit of an event that is not the last. */
  push(event: NativeEvent): GenerationEvent[] {
    switch (event.type) {
      case "text":
        // What was drawn before the engine heard of a stop is nobody's.
        return this.stopped ? [] : this.#echoed(this.#take(this.#answer.push(event.text, event.control)));
      case "promptLogprobs": {
        const tokens = toPromptLogprobs(event.tokens);
        (this.#facts.promptLogprobs ??= []).push(...tokens);
        return [{ type: "promptLogprobs", tokens }];
      }
      case "logprobs": {
        const tokens = toLogprobs(event.tokens);
        (this.#logprobs ??= []).push(...tokens);
        return this.#echoed([{ type: "logprobs", tokens }]);
      }
      case "prefill":
        return [{ type: "prefill", done: event.done, total: event.total }];
      case "encode":
        this.#facts.images = event.seen.map((image) => ({ ...image }));
        return [{ type: "encode", images: event.images, cached: event.cached, seen: this.#facts.images }];
      case "done":
      case "failed":
      case "scored":
      case "embedded":
      case "pooled":
      case "saved":
      case "counted":
      case "restored":
      case "adapterLoaded":
      case "adapterUnloaded":
        return [];
    }
  }

  /** The last event: what is still to be emitted, and the result. */
  finish(event: CompletionEnd): { rest: GenerationEvent[]; result: GenerationResult } {
    const { finishReason, stopString, stopToken, usage, timings, logprobSum, drawn } = event;
    const flushed = this.#take(this.#answer.flush());
    const rest = this.#echoed(flushed, true);
    const { stop } = this.#answer;
    const ended =
      stop === undefined
        ? { finishReason: this.#reasonFor(finishReason), stopString }
        : { finishReason: "stop" as const, stopString: stop };
    // What was cut off may be JSON all the same, and another value than the one that was begun.
    const { json, droppedTurns, begun = "", echo = "", images, promptLogprobs } = this.#facts;
    const parsed = json && ended.finishReason === "eos" ? parseJson(begun + this.#text) : undefined;
    const logprobs = this.#logprobs === undefined ? {} : { logprobs: this.#logprobs };
    const ofPrompt = {
      ...(images === undefined ? {} : { images }),
      ...(promptLogprobs === undefined ? {} : { promptLogprobs }),
    };
    const token = stop !== undefined || stopToken < 0 ? {} : { stopTokenId: stopToken };
    const dropped = droppedTurns === undefined ? {} : { droppedTurns };
    this.#meanLogprob = drawn === 0 ? 0 : logprobSum / drawn;
    const result = {
      text: echo + this.#text,
      reasoning: this.#reasoning,
      toolCalls: this.#calls,
      ...ended,
      ...token,
      parsed,
      usage: { ...usage },
      timings: { ...timings },
      ...dropped,
      ...ofPrompt,
      ...logprobs,
    };
    return { rest, result };
  }

  /** The events, and before the first of the answer's the prompt's text, where it is wanted. */
  #echoed(events: GenerationEvent[], last = false): GenerationEvent[] {
    const { echo = "" } = this.#facts;
    if (this.#begun || (events.length === 0 && !last)) return events;
    this.#begun = true;
    return echo === "" ? events : [{ type: "text", text: echo }, ...events];
  }

  #take(segments: readonly Segment[]): GenerationEvent[] {
    for (const segment of segments) {
      switch (segment.type) {
        case "text":
          this.#text += segment.text;
          break;
        case "reasoning":
          this.#reasoning += segment.text;
          break;
        case "toolCall":
          if (segment.stage !== "end") break;
          this.#calls.push({
            id: segment.id,
            name: segment.name,
            arguments: segment.arguments,
            value: segment.value,
          });
      }
    }
    return [...segments];
  }

  /** A turn that ended by itself with calls asks for their results. */
  #reasonFor(finishReason: FinishReason): FinishReason {
    return finishReason === "eos" && this.#calls.length > 0 ? "toolCalls" : finishReason;
  }
}
