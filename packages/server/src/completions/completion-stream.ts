import type { GenerationResult, PromptLogprob, TokenLogprobs, Usage } from "medinfer";
import type { AnswerWriter, Waiting } from "../generate/answer-writer.js";
import type { LogprobsShown } from "../generate/logprobs-shown.js";
import { reasoningOf } from "../generate/reasoning.js";
import type { StreamHead } from "../generate/stream-head.js";
import { finishReason, usageOf } from "../generate/usage.js";
import type { EventSink } from "../http/event-sink.js";
import { echoedTokens, LegacyLogprobList } from "./legacy-logprobs.js";

export interface CompletionStreamOptions {
  includeUsage: boolean;
  /** Undefined: none. */
  logprobs?: LogprobsShown | undefined;
  bosToken: string;
}

/** Completions as chunks: of several prompts and choices, each with its index. */
export class CompletionStream implements AnswerWriter {
  readonly #stream: EventSink;
  readonly #head: string;
  readonly #options: CompletionStreamOptions;
  readonly #lists = new Map<number, LegacyLogprobList>();
  /** Of prompts whose text has not come yet. */
  readonly #prompts = new Map<number, (PromptLogprob | null)[]>();

  constructor(stream: EventSink, { id, model, created }: StreamHead, options: CompletionStreamOptions) {
    this.#stream = stream;
    this.#head = JSON.stringify({ id, object: "text_completion", created, model }).slice(0, -1);
    this.#options = options;
  }

  open(): void {
    this.#stream.open();
  }

  promptLogprobs(index: number, tokens: readonly (PromptLogprob | null)[]): void {
    this.#prompts.set(index, [...(this.#prompts.get(index) ?? []), ...tokens]);
  }

  text(index: number, text: string, tokens: readonly TokenLogprobs[]): Waiting {
    return this.#send({ index, text, logprobs: this.#logprobs(index, text, tokens), finish_reason: null });
  }

  /** Of an answer whose request named `thinkingTags`. */
  reasoning(index: number, text: string, tokens: readonly TokenLogprobs[]): Waiting {
    const logprobs = this.#logprobs(index, "", tokens);
    return this.#send({ index, text: "", ...reasoningOf(text), logprobs, finish_reason: null });
  }

  /** A completion has no tools. */
  call(): Waiting {
    return undefined;
  }

  finish(index: number, result: GenerationResult): Waiting {
    return this.#send({ index, text: "", logprobs: null, finish_reason: finishReason(result.finishReason) });
  }

  /** All choices of all prompts are told. */
  async end(usage: Usage): Promise<void> {
    if (this.#options.includeUsage) {
      await this.#stream.send(`${this.#head},"choices":[],"usage":${JSON.stringify(usageOf(usage))}}`);
    }
    await this.#stream.send("[DONE]");
    this.#stream.end();
  }

  #logprobs(index: number, text: string, tokens: readonly TokenLogprobs[]): object | null {
    const { logprobs: shown, bosToken } = this.#options;
    const prompt = this.#prompts.get(index) ?? [];
    this.#prompts.delete(index);
    if (shown === undefined || tokens.length + prompt.length === 0) return null;
    const list = this.#lists.get(index) ?? new LegacyLogprobList(shown);
    this.#lists.set(index, list);
    return list.next(echoedTokens(prompt, text, bosToken), tokens);
  }

  #send(choice: object): Waiting {
    const usage = this.#options.includeUsage ? ',"usage":null' : "";
    return this.#stream.send(`${this.#head},"choices":[${JSON.stringify(choice)}]${usage}}`);
  }
}
