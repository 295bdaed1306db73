import type { MadeToolCall } from "medinfer";
import type { Waiting } from "../generate/answer-writer.js";
import type { BlockKind, BlockTarget } from "../generate/block-writer.js";
import type { StreamHead } from "../generate/stream-head.js";
import type { EventSink } from "../http/event-sink.js";
import type { Problem } from "../http/problem.js";
import { messageObject, textBlock, thinkingBlock, toolUseBlock, usageOfWhole } from "./message-object.js";
import { problemBody } from "./problem-body.js";

/** A message as Anthropic's events. A call's input comes in one piece, when it is whole. */
export class MessageStream implements BlockTarget {
  readonly #stream: EventSink;
  readonly #head: StreamHead;
  /** Of the block that is open, or comes next. */
  #index = 0;

  constructor(stream: EventSink, head: StreamHead) {
    this.#stream = stream;
    this.#head = head;
  }

  open(promptTokens: number | undefined): void {
    this.#stream.open();
    // What of it came from the cache is known at the end.
    const usage = {
      input_tokens: promptTokens ?? 0,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: 0,
      output_tokens_details: null,
      server_tool_use: null,
      ...usageOfWhole,
    };
    void this.#send("message_start", { message: messageObject(this.#head, [], {}, usage) });
    void this.#send("ping", {});
  }

  begin(kind: BlockKind): void {
    void this.#start(kind === "text" ? textBlock("") : thinkingBlock(""));
  }

  piece(kind: BlockKind, text: string): Waiting {
    if (text === "") return undefined;
    return this.#delta(kind === "text" ? { type: "text_delta", text } : { type: "thinking_delta", thinking: text });
  }

  end(): void {
    void this.#stop();
  }

  call(call: MadeToolCall): Waiting {
    void this.#start(toolUseBlock(call, {}));
    void this.#delta({ type: "input_json_delta", partial_json: call.arguments });
    return this.#stop();
  }

  /** All is told. */
  async finish(end: object, usage: object): Promise<void> {
    void this.#send("message_delta", { delta: { ...end, stop_details: null, container: null }, usage });
    await this.#send("message_stop", {});
    this.#stream.end();
  }

  fail(problem: Problem, requestId: string): void {
    this.#stream.fail(problemBody(problem, requestId), "error");
  }

  #start(block: object): Waiting {
    return this.#send("content_block_start", { index: this.#index, content_block: block });
  }

  #delta(delta: object): Waiting {
    return this.#send("content_block_delta", { index: this.#index, delta });
  }

  #stop(): Waiting {
    return this.#send("content_block_stop", { index: this.#index++ });
  }

  #send(type: string, fields: object): Waiting {
    return this.#stream.send(JSON.stringify({ type, ...fields }), type);
  }
}
