import type { Answer, OnPiece } from "../answer.js";
import type { Server } from "./server.js";

interface Chunk {
  choices: {
    /** Of a completion. */
    text?: string | null;
    /** Of a chat. */
    delta?: { content?: string | null; reasoning_content?: string | null };
    finish_reason?: string | null;
  }[];
  usage?: WireUsage | null;
}

interface WireUsage {
  prompt_tokens: number;
  completion_tokens: number;
  prompt_tokens_details?: { cached_tokens?: number };
}

/**
 * Asks a server for an answer, and gives it out while it comes.
 *
 * @param path of a call that streams chunks, of chats or completions
 * @throws ServerError (rejects)
 */
export async function remoteAnswer(
  server: Server,
  path: string,
  body: object,
  { onPiece, signal }: { onPiece: OnPiece; signal: AbortSignal },
): Promise<Answer> {
  const begin = performance.now();
  const elapsed = () => performance.now() - begin;
  const found = { text: "", reasoning: "", finishReason: "", firstMs: 0 };
  const usage = { promptTokens: 0, completionTokens: 0, cachedTokens: 0 };
  const asked = { ...body, stream: true, stream_options: { include_usage: true } };
  for await (const each of server.stream(path, asked, signal)) {
    const { choices, usage: told } = each as Chunk;
    for (const { text, delta, finish_reason: finishReason } of choices) {
      for (const [type, piece] of [
        ["reasoning", delta?.reasoning_content],
        ["text", text ?? delta?.content],
      ] as const) {
        if (!piece) continue;
        found.firstMs ||= elapsed();
        found[type] += piece;
        await onPiece({ type, text: piece });
      }
      if (finishReason) found.finishReason = finishReason;
    }
    if (!told) continue;
    usage.promptTokens = told.prompt_tokens;
    usage.completionTokens = told.completion_tokens;
    usage.cachedTokens = told.prompt_tokens_details?.cached_tokens ?? 0;
  }
  const totalMs = elapsed();
  return { ...found, ...parsedOf(body, found), usage, firstMs: found.firstMs || totalMs, totalMs };
}

function parsedOf(body: object, { text, finishReason }: { text: string; finishReason: string }): { parsed?: unknown } {
  if (!("jsonSchema" in body) || finishReason !== "stop") return {};
  try {
    return { parsed: JSON.parse(text) as unknown };
  } catch {
    return {}; // a stop string ended it
  }
}
