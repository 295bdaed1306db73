import type { GenerationResult, MadeToolCall, TokenLogprobs } from "medinfer";
import type { AnswerWriter, Waiting } from "./answer-writer.js";
import { finishReason } from "./usage.js";

export type BlockKind = "text" | "reasoning";

/** A form of answers that come as blocks, one after the other: what is one block's comes between its begin and its end. */
export interface BlockTarget {
  /** See {@link AnswerWriter.open}. */
  open(promptTokens: number | undefined): void;
  begin(kind: BlockKind): void;
  /** @param tokens see {@link AnswerWriter.text} */
  piece(kind: BlockKind, text: string, tokens: readonly TokenLogprobs[]): Waiting;
  /**
   * @param text all of the block
   * @param cut whether a limit ended the answer here
   */
  end(kind: BlockKind, text: string, cut: boolean): void;
  /** A call, whole; no block is open. */
  call(call: MadeToolCall): Waiting;
}

/** Tells an answer of one choice as blocks. */
export class BlockWriter implements AnswerWriter {
  readonly #target: BlockTarget;
  #block: { kind: BlockKind; text: string } | undefined;

  constructor(target: BlockTarget) {
    this.#target = target;
  }

  open(promptTokens: number | undefined): void {
    this.#target.open(promptTokens);
  }

  text(_index: number, text: string, tokens: readonly TokenLogprobs[]): Waiting {
    return this.#piece("text", text, tokens);
  }

  reasoning(_index: number, text: string, tokens: readonly TokenLogprobs[]): Waiting {
    return this.#piece("reasoning", text, tokens);
  }

  call(_index: number, call: MadeToolCall): Waiting {
    this.#end(false);
    return this.#target.call(call);
  }

  finish(_index: number, result: GenerationResult): Waiting {
    this.#end(finishReason(result.finishReason) === "length");
    return undefined;
  }

  #piece(kind: BlockKind, text: string, tokens: readonly TokenLogprobs[]): Waiting {
    // The last tokens of an answer, which have no text, belong to what was said last.
    if (text === "" && this.#block === undefined) return undefined;
    if (text !== "" && this.#block?.kind !== kind) {
      this.#end(false);
      this.#block = { kind, text: "" };
      this.#target.begin(kind);
    }
    const block = this.#block!;
    block.text += text;
    return this.#target.piece(block.kind, text, tokens);
  }

  #end(cut: boolean): void {
    if (this.#block !== undefined) this.#target.end(this.#block.kind, this.#block.text, cut);
    this.#block = undefined;
  }
}
