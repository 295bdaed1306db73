import type { MadeToolCall, TokenLogprobs } from "medinfer";
import type { Waiting } from "../generate/answer-writer.js";
import type { BlockKind, BlockTarget } from "../generate/block-writer.js";
import { logprobEntries, type LogprobsShown } from "../generate/logprobs-shown.js";
import type { EventSink } from "../http/event-sink.js";
import type { Problem } from "../http/problem.js";
import {
  callItem,
  itemId,
  messageItem,
  reasoningItem,
  reasoningPart,
  textPart,
  type ItemStatus,
  type OutputItem,
} from "./output-items.js";
import type { ResponseObject, ResponseState, ResponseUsage } from "./response-object.js";

/**
 * A response as OpenAI's events, each with its number. A call's arguments come in one piece, when they are whole.
 *
 * @see https://platform.openai.com/docs/api-reference/responses-streaming
 */
export class ResponseStream implements BlockTarget {
  readonly #stream: EventSink;
  readonly #response: (state: ResponseState) => ResponseObject;
  #shown: LogprobsShown | undefined;
  readonly #output: OutputItem[] = [];
  #number = 0;
  #item = "";
  #logprobs: ReturnType<typeof logprobEntries> = [];

  /** @param response the response as it is in a state */
  constructor(stream: EventSink, response: (state: ResponseState) => ResponseObject) {
    this.#stream = stream;
    this.#response = response;
  }

  /** Which logprobs to show; before the first text. Otherwise none. */
  show(logprobs: LogprobsShown | undefined): void {
    this.#shown = logprobs;
  }

  open(): void {
    this.#stream.open();
    const response = this.#response({ status: "in_progress", output: [] });
    void this.#send("response.created", { response });
    void this.#send("response.in_progress", { response });
  }

  begin(kind: BlockKind): void {
    this.#item = itemId[kind]();
    this.#logprobs = [];
    const item = (kind === "text" ? messageItem : reasoningItem)(this.#item, "in_progress");
    void this.#send("response.output_item.added", { output_index: this.#output.length, item });
    void this.#send("response.content_part.added", { ...this.#place, part: partOf(kind, "") });
  }

  piece(kind: BlockKind, delta: string, tokens: readonly TokenLogprobs[]): Waiting {
    const logprobs = this.#shown === undefined ? [] : logprobEntries(tokens, this.#shown);
    this.#logprobs.push(...logprobs);
    if (delta === "" && logprobs.length === 0) return undefined;
    return kind === "text"
      ? this.#send("response.output_text.delta", { ...this.#place, delta, logprobs })
      : this.#send("response.reasoning_text.delta", { ...this.#place, delta });
  }

  end(kind: BlockKind, text: string, cut: boolean): void {
    const status: ItemStatus = cut ? "incomplete" : "completed";
    const logprobs = this.#logprobs;
    if (kind === "text") void this.#send("response.output_text.done", { ...this.#place, text, logprobs });
    else void this.#send("response.reasoning_text.done", { ...this.#place, text });
    void this.#send("response.content_part.done", { ...this.#place, part: partOf(kind, text, logprobs) });
    void this.#done(
      kind === "text"
        ? messageItem(this.#item, status, textPart(text, logprobs))
        : reasoningItem(this.#item, status, reasoningPart(text)),
    );
  }

  call(call: MadeToolCall): Waiting {
    const id = itemId.call();
    const place = { item_id: id, output_index: this.#output.length };
    const { name, arguments: text } = call;
    const item = callItem(id, "in_progress", call, "");
    void this.#send("response.output_item.added", { output_index: place.output_index, item });
    void this.#send("response.function_call_arguments.delta", { ...place, delta: text });
    void this.#send("response.function_call_arguments.done", { ...place, name, arguments: text });
    return this.#done(callItem(id, "completed", call, text));
  }

  /** The whole response, of which all but its end is told. */
  whole(status: "completed" | "incomplete", usage: ResponseUsage): ResponseObject {
    return this.#response({ status, output: this.#output, usage });
  }

  /** @param response see {@link whole} */
  async finish(response: ResponseObject): Promise<void> {
    await this.#send(`response.${response.status}`, { response });
    this.#stream.end();
  }

  /** Told twice: as the response's end, and as an error, which all clients report. */
  fail(problem: Problem): void {
    if (this.#number === 0) this.open();
    void this.#send("response.failed", {
      response: this.#response({ status: "failed", output: this.#output, problem }),
    });
    const { code, message, param } = problem;
    const told = { type: "error", sequence_number: this.#number++, code, message, param };
    this.#stream.fail({ ...told, ...problem.body }, "error");
  }

  get #place() {
    return { item_id: this.#item, output_index: this.#output.length, content_index: 0 };
  }

  #done(item: OutputItem): Waiting {
    const place = { output_index: this.#output.length };
    this.#output.push(item);
    return this.#send("response.output_item.done", { ...place, item });
  }

  #send(type: string, fields: object): Waiting {
    return this.#stream.send(JSON.stringify({ type, sequence_number: this.#number++, ...fields }), type);
  }
}

function partOf(kind: BlockKind, text: string, logprobs: ReturnType<typeof logprobEntries> = []) {
  return kind === "text" ? textPart(text, logprobs) : reasoningPart(text);
}
