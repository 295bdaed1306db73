import type { GenerationEvent, GenerationResult } from "medinfer";

/** Tokens that were computed, whatever became of the answer. */
export interface Spent {
  /** Of prompts, as far as they were read; those in the cache included. */
  promptTokens: number;
  /** Of all answers, also those that were thrown away. */
  completionTokens: number;
  /** Of the prompts' tokens, those of images. */
  imageTokens: number;
}

/** What the generations of one request have taken. */
export class Tally implements Spent {
  promptTokens = 0;
  completionTokens = 0;
  imageTokens = 0;

  add({ promptTokens, completionTokens = 0, imageTokens = 0 }: Partial<Spent>): void {
    this.promptTokens += promptTokens ?? 0;
    this.completionTokens += completionTokens;
    this.imageTokens += imageTokens;
  }
}

type TokenEvent = Extract<GenerationEvent, { type: "text" | "reasoning" | "toolCall" }>;

/** Whether an event brings something that the model wrote. */
export function holdsTokens(event: GenerationEvent): event is TokenEvent {
  return event.type === "text" || event.type === "reasoning" || event.type === "toolCall";
}

/** What one generation has taken, as far as its events tell. */
export class GenerationTally {
  #read = 0;
  #told = 0;

  see(event: GenerationEvent): void {
    if (event.type === "prefill") this.#read = Math.max(this.#read, event.done);
    else if (holdsTokens(event)) this.#told += 1;
  }

  /** It has ended, by itself or early: the engine counts. */
  of(result: GenerationResult): Spent {
    const { usage, timings, choices = [result], discardedTokens = 0 } = result;
    const completionTokens = choices.reduce((sum, each) => sum + each.usage.completionTokens, discardedTokens);
    // One that ended in its prompt has the length of it, and has not read all.
    const isRead = completionTokens > 0 || timings.prefillMs > 0;
    const promptTokens = isRead ? usage.promptTokens : Math.min(this.#read, usage.promptTokens);
    return { promptTokens, completionTokens, imageTokens: isRead ? usage.imageTokens : 0 };
  }

  /** It was lost with its engine: at least this much. */
  get least(): Spent {
    return { promptTokens: this.#read, completionTokens: this.#told, imageTokens: 0 };
  }
}
