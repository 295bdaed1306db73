import type { NativeEvent } from "../native/types.js";
import type { AnswerStream } from "./answer-stream.js";
import { Completion, type CompletionEnd, type RequestFacts } from "./completion.js";
import type { GenerationEvent, GenerationResult } from "./types.js";

/** How many completions are wanted of a prompt, and whether the best of more are. */
export interface CompletionsWanted {
  n: number;
  bestOf?: number | undefined;
}

/** How many completions the engine makes. */
export function completionCount({ n, bestOf }: CompletionsWanted): number {
  return bestOf ?? n;
}

/**
 * The completions of one request, and what is emitted of them: of a single one everything, of several everything with its
 * index, of the best ones nothing before the end, because nobody knows which they are.
 *
 * Invariant: a completion ends once; `left` counts those that have not.
 */
export class Completions {
  readonly #completions: Completion[];
  readonly #results: GenerationResult[] = [];
  readonly #wanted: CompletionsWanted;
  #left: number;

  constructor(answers: readonly AnswerStream[], facts: RequestFacts, wanted: CompletionsWanted) {
    this.#completions = answers.map((answer) => new Completion(answer, facts));
    this.#wanted = wanted;
    this.#left = answers.length;
  }

  /** How many have not ended. */
  get left(): number {
    return this.#left;
  }

  /** Whether completion `index` has found a stop. */
  stopped(index: number): boolean {
    return this.#completions[index]!.stopped;
  }

  /** What to emit of an event that is not the last of its completion. */
  push(index: number, event: NativeEvent): GenerationEvent[] {
    const events = this.#completions[index]!.push(event);
    const silent = this.#wanted.bestOf !== undefined && (event.type === "text" || event.type === "logprobs");
    return silent ? [] : this.#numbered(index, events);
  }

  /** The completion ended well: what to emit at its end. */
  finish(index: number, event: CompletionEnd): GenerationEvent[] {
    const { rest, result } = this.#completions[index]!.finish(event);
    this.#results[index] = result;
    this.#left--;
    if (this.#wanted.bestOf !== undefined) return [];
    const end: GenerationEvent[] = this.#wanted.n === 1 ? [] : [{ type: "choice", index, ...result }];
    return [...this.#numbered(index, rest), ...end];
  }

  /** The completion failed. */
  lose(): void {
    this.#left--;
  }

  /** What all of them come to. REQUIRES: all ended well. */
  result(): GenerationResult {
    const { n, bestOf } = this.#wanted;
    let choices = this.#results;
    if (bestOf !== undefined) {
      const scored = choices.map((result, i) => ({ ...result, meanLogprob: this.#completions[i]!.meanLogprob }));
      choices = scored.sort((a, b) => b.meanLogprob - a.meanLogprob).slice(0, n);
    }
    const discarded = bestOf === undefined ? {} : { discardedTokens: tokensOf(this.#results) - tokensOf(choices) };
    return { ...choices[0]!, ...(n === 1 ? {} : { choices }), ...discarded };
  }

  #numbered(index: number, events: GenerationEvent[]): GenerationEvent[] {
    return this.#wanted.n === 1 ? events : events.map((event) => ({ ...event, index }) as GenerationEvent);
  }
}

function tokensOf(results: readonly GenerationResult[]): number {
  return results.reduce((sum, { usage }) => sum + usage.completionTokens, 0);
}
