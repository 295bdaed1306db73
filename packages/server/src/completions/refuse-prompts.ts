/** What is wrong with one of several prompts, told before any of them is answered: later the answer has begun. */
import type { Engine } from "medinfer";
import { Problem } from "../http/problem.js";
import type { Prompt } from "./completion-options.js";

/**
 * @param fillsIn whether a text stands behind each, so that it may be empty
 * @throws Problem 400
 */
export function refusePrompts(prompts: readonly Prompt[], fillsIn: boolean, engine: Engine): void {
  const place = (i: number) => (prompts.length === 1 ? "prompt" : `prompt[${i}]`);
  prompts.forEach((prompt, i) => {
    if (prompt.length === 0 && !fillsIn) refuse(place(i), "must not be empty", "invalid_value");
    if (typeof prompt !== "string" && prompt.some((id) => id >= engine.info.nVocab)) {
      const what = `holds ids that the model's vocabulary, of ${engine.info.nVocab} tokens, does not have`;
      refuse(place(i), `${what}: they may be another model's`, "invalid_value");
    }
  });
  // One alone is the engine's to refuse.
  if (prompts.length > 1) prompts.forEach((prompt, i) => refuseLong(prompt, place(i), engine));
}

function refuseLong(prompt: Prompt, place: string, engine: Engine): void {
  const room = engine.info.nCtxPerRequest;
  // A token has a byte at least, and one may stand before them.
  const most = typeof prompt === "string" ? Buffer.byteLength(prompt) + 1 : prompt.length;
  if (most < room) return;
  const tokens = typeof prompt === "string" ? engine.tokenize(prompt).length : prompt.length;
  if (tokens < room) return;
  const what = `has ${tokens} tokens and the context of a request holds ${room}`;
  const figures = { n_prompt_tokens: tokens, n_ctx: room };
  refuse(place, `${what}: shorten it`, "context_length_exceeded", figures);
}

function refuse(param: string, message: string, code: string, figures?: Record<string, number>): never {
  throw new Problem(400, code, `${param} ${message}`, { param, figures });
}
