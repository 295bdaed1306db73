/** Answers, wherever they come from: a model that was loaded here, or a server. */
import type { Generation, Usage } from "medinfer";

/** More of an answer. */
export interface Piece {
  type: "text" | "reasoning";
  text: string;
}

/** Takes what comes; the answer waits for it. */
export type OnPiece = (piece: Piece) => Promise<void> | void;

/** How an answer ended. */
export interface Answer {
  text: string;
  reasoning: string;
  /** The library's word, or a server's. `isCut` says whether the answer is whole. */
  finishReason: string;
  /** A server says nothing of drafts. */
  usage: Pick<Usage, "promptTokens" | "completionTokens" | "cachedTokens"> &
    Partial<Pick<Usage, "draftTokens" | "acceptedTokens">>;
  /** Milliseconds to the first piece, and to the end. */
  firstMs: number;
  totalMs: number;
  /** The value of an answer that a JSON schema describes; undefined where it is not whole. */
  parsed?: unknown;
}

/** Whether an answer ended before the model was done. */
export function isCut({ finishReason }: Pick<Answer, "finishReason">): boolean {
  return ["length", "context", "time"].includes(finishReason);
}

/** @throws MedInferError (rejects) */
export async function answerOf(generation: Generation, onPiece: OnPiece): Promise<Answer> {
  for await (const event of generation) {
    if (event.type === "text" || event.type === "reasoning") await onPiece({ type: event.type, text: event.text });
  }
  const { text, reasoning, finishReason, usage, timings, parsed } = await generation.result;
  const { promptTokens, completionTokens, cachedTokens, draftTokens, acceptedTokens } = usage;
  return {
    text,
    reasoning,
    finishReason,
    usage: { promptTokens, completionTokens, cachedTokens, draftTokens, acceptedTokens },
    firstMs: timings.firstTokenMs,
    totalMs: timings.totalMs,
    ...(parsed === undefined ? {} : { parsed }),
  };
}
