import type { Generation, GenerationEvent, GenerationResult, TokenLogprobs, ToolCallEvent } from "medinfer";
import type { AnswerWriter, Waiting } from "./answer-writer.js";
import { NumberHold } from "./number-hold.js";

export interface WriteOptions {
  /** Whether the text is JSON, so that its numbers are kept back until they are whole. */
  json: boolean;
  /** Text that the answer continues: what of JSON is in it. Default `""`. */
  begun?: string;
  /** The index of the generation's first choice, where the answer has several generations. Default 0. */
  firstIndex?: number;
}

/**
 * Tells a writer all of an answer, as fast as the engine makes it and the reader reads.
 *
 * @throws MedInferError (rejects) what the generation fails with
 */
export async function writeAnswer(
  generation: Generation,
  writer: AnswerWriter,
  options: WriteOptions,
): Promise<GenerationResult> {
  const answer = new Answer(writer, options);
  let result: GenerationResult | undefined;
  for await (const event of generation) {
    const waiting = answer.take(event);
    if (event.type === "done") result = event;
    if (waiting !== undefined) await waiting;
  }
  if (result === undefined) throw new Error("a generation ended without its last event");
  return result;
}

/** One choice: what has not been told of it yet. */
interface ChoiceState {
  numbers: NumberHold | undefined;
  /** They come before their text. */
  logprobs: TokenLogprobs[];
  finished: boolean;
}

class Answer {
  readonly #writer: AnswerWriter;
  readonly #json: boolean;
  readonly #begun: string;
  readonly #firstIndex: number;
  readonly #choices = new Map<number, ChoiceState>();
  #opened = false;

  constructor(writer: AnswerWriter, { json, begun = "", firstIndex = 0 }: WriteOptions) {
    this.#writer = writer;
    this.#json = json;
    this.#begun = begun;
    this.#firstIndex = firstIndex;
  }

  take(event: GenerationEvent): Waiting {
    this.#openFor(event);
    switch (event.type) {
      case "text":
        return this.#text(event.index ?? 0, event.text);
      case "reasoning": {
        const index = event.index ?? 0;
        return this.#writer.reasoning(this.#firstIndex + index, event.text, this.#drawn(index));
      }
      case "toolCall":
        return this.#call(event);
      case "logprobs":
        this.#choice(event.index ?? 0).logprobs.push(...event.tokens);
        return undefined;
      case "choice":
        return this.#finish(event.index, event);
      case "done":
        return event.choices === undefined ? this.#finish(0, event) : this.#finishLeft(event.choices);
      case "promptLogprobs":
        this.#writer.promptLogprobs?.(this.#firstIndex + (event.index ?? 0), event.tokens);
        return undefined;
      case "queued":
      case "encode":
      case "prefill":
        return undefined;
    }
  }

  /** Of several choices another than the first may tell first that the prompt is read. */
  #openFor(event: GenerationEvent): void {
    if (this.#opened || event.type === "queued" || event.type === "encode") return;
    this.#opened = true;
    const { promptTokens } = "usage" in event ? event.usage : { promptTokens: undefined };
    this.#writer.open(event.type === "prefill" ? event.total : promptTokens);
  }

  #text(index: number, text: string): Waiting {
    const { numbers } = this.#choice(index);
    const shown = numbers === undefined ? text : numbers.push(text);
    return shown === "" ? undefined : this.#writer.text(this.#firstIndex + index, shown, this.#drawn(index));
  }

  #call(event: ToolCallEvent): Waiting {
    if (event.stage !== "end") return undefined;
    const index = event.index ?? 0;
    return this.#writer.call(this.#firstIndex + index, event, this.#drawn(index));
  }

  #finish(index: number, result: GenerationResult): Waiting {
    const choice = this.#choice(index);
    const left = choice.numbers?.flush() ?? "";
    const at = this.#firstIndex + index;
    if (left !== "" || choice.logprobs.length > 0) void this.#writer.text(at, left, this.#drawn(index));
    choice.finished = true;
    return this.#writer.finish(at, result);
  }

  /** Choices of `bestOf`, which no event has told. */
  #finishLeft(results: readonly GenerationResult[]): Waiting {
    let waiting: Waiting;
    results.forEach((result, index) => {
      if (this.#choice(index).finished) return;
      const at = this.#firstIndex + index;
      if (result.reasoning !== "") void this.#writer.reasoning(at, result.reasoning, []);
      if (result.text !== "" || result.logprobs !== undefined) {
        void this.#writer.text(at, result.text, result.logprobs ?? []);
      }
      for (const call of result.toolCalls) void this.#writer.call(at, call, []);
      waiting = this.#finish(index, result) ?? waiting;
    });
    return waiting;
  }

  #drawn(index: number): TokenLogprobs[] {
    return this.#choice(index).logprobs.splice(0);
  }

  #choice(index: number): ChoiceState {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const numbers = this.#json ? new NumberHold(this.#begun) : undefined;
    const choice: ChoiceState = { numbers, logprobs: [], finished: false };
    this.#choices.set(index, choice);
    return choice;
  }
}
