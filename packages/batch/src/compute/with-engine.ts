import type { ChatOptions, Engine, JsonSchema } from "medinfer";
import type { Compute } from "../work/compute.js";
import { judgeAnswer } from "./judge-answer.js";
import { fileIsImage, readFiles, readRow, type PageImage, type Reader } from "./read-source.js";

/** A row's answer, as it is stored. */
export interface Answer {
  text: string;
  /** The value, with a schema. */
  parsed: unknown;
  finishReason: string;
  usage: { promptTokens: number; completionTokens: number };
  /** The drawn tokens, where `ask.options.nProbs` asks for them. */
  logprobs?: DrawnToken[];
}

/** A token of an answer: its UTF-8 bytes, and the natural logarithm of its probability as the model gave it. */
export interface DrawnToken {
  bytes: readonly number[];
  logprobBefore: number;
}

/** Options of {@link computeWithEngine} and {@link computeWithServer}. */
export interface ComputeOptions {
  /** Default: files, see {@link readFiles}. */
  reader?: Reader;
  /** Default: the file is the picture. */
  pageImage?: PageImage;
}

/**
 * Asks an engine of this process: the row's picture, then the prompt. Whatever the run's `ask.options` hold is handed to
 * `engine.chat`. Answers that a limit cut, or that repeat themselves, are errors (see {@link judgeAnswer}).
 */
export function computeWithEngine(engine: Engine, options: ComputeOptions = {}): Compute {
  const { reader = readFiles, pageImage = fileIsImage } = options;
  return async (row, { signal }): Promise<Answer> => {
    const { prompt, systemPrompt = "You are a helpful assistant.", schema, options: request = {} } = row.ask;
    const image = await pageImage(row, await readRow(row, reader, signal), signal);
    const user = {
      role: "user",
      content: [{ type: "image", image } as const, { type: "text", text: `\n${prompt}` } as const],
    };
    const messages = systemPrompt === "" ? [user] : [{ role: "system", content: systemPrompt }, user];
    const { text, parsed, finishReason, usage, logprobs } = await engine.chat({
      ...(request as Omit<ChatOptions, "messages">),
      ...(schema === undefined ? {} : { jsonSchema: schema as JsonSchema }),
      messages,
      signal,
    }).result;
    judgeAnswer({ text, finishReason });
    const { promptTokens, completionTokens } = usage;
    return {
      ...{ text, parsed: parsed ?? null, finishReason, usage: { promptTokens, completionTokens } },
      ...(logprobs === undefined
        ? {}
        : { logprobs: logprobs.map(({ bytes, logprobBefore }) => ({ bytes, logprobBefore })) }),
    };
  };
}
