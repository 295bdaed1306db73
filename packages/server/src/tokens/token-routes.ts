import * as v from "valibot";
import { sendWhenDone } from "../http/long-answer.js";
import { Problem } from "../http/problem.js";
import { route } from "../http/route.js";
import type { Serving } from "../serving.js";
import { withModelOf } from "./model-of.js";
import { piecesOf } from "./pieces.js";

const flag = v.nullish(v.boolean());

/** Under the names of llama-server (`content`, `add_special`, `with_pieces`) and of vLLM (`prompt`, …). */
const tokenizeSchema = v.strictObject({
  model: v.nullish(v.string()),
  content: v.optional(v.string()),
  prompt: v.optional(v.string()),
  /** Whether the tokens come with it that the vocabulary puts around a whole text, e.g. BOS. Default false. */
  add_special: flag,
  add_special_tokens: flag,
  /** Whether control tokens written in the text are read as such. Default false: they are what they spell. */
  parse_special: flag,
  with_pieces: flag,
  return_token_strs: flag,
});

const tokenizeAnswer = v.object({
  tokens: v.union([v.array(v.number()), v.array(v.object({ id: v.number(), piece: v.string() }))]),
  count: v.number(),
  max_model_len: v.number(),
  token_strs: v.optional(v.array(v.string())),
});

const detokenizeSchema = v.strictObject({
  model: v.nullish(v.string()),
  tokens: v.pipe(
    v.array(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 31 - 1))),
    v.maxLength(1_000_000),
  ),
  /** Whether control tokens are written out. Default false. */
  special: flag,
});

const detokenizeAnswer = v.object({ content: v.string(), prompt: v.string() });

/** POST /tokenize and /detokenize. */
export function tokenRoutes(serving: Serving) {
  return [
    route({
      method: "post",
      path: "/tokenize",
      summary: "The tokens of a text.",
      role: "user",
      body: tokenizeSchema,
      answer: tokenizeAnswer,
      handle: (call) => {
        const { body } = call;
        const text = textOf(body);
        const addSpecial = body.add_special ?? body.add_special_tokens ?? false;
        const work = withModelOf(serving, call, body.model, ({ engine }) => {
          const ids = engine.tokenize(text, { addSpecial, parseSpecial: body.parse_special ?? false });
          const tokens = Array.from(ids);
          const pieces = body.with_pieces || body.return_token_strs ? piecesOf(engine, ids) : [];
          return {
            tokens: body.with_pieces ? tokens.map((id, i) => ({ id, piece: pieces[i] })) : tokens,
            count: ids.length,
            max_model_len: engine.info.nCtxPerRequest,
            ...(body.return_token_strs ? { token_strs: pieces } : {}),
          };
        });
        return sendWhenDone(call.outgoing, work);
      },
    }),
    route({
      method: "post",
      path: "/detokenize",
      summary: "The text of tokens.",
      role: "user",
      body: detokenizeSchema,
      answer: detokenizeAnswer,
      handle: (call) => {
        const { model, tokens, special } = call.body;
        const work = withModelOf(serving, call, model, ({ engine }) => {
          const place = tokens.findIndex((id) => id >= engine.info.nVocab);
          if (place >= 0) {
            const what = `tokens[${place}] is none of the model's ${engine.info.nVocab} tokens`;
            throw new Problem(400, "invalid_value", what, { param: `tokens[${place}]` });
          }
          const text = engine.detokenize(tokens, { special: special ?? false });
          // As llama-server names it, and as vLLM does.
          return { content: text, prompt: text };
        });
        return sendWhenDone(call.outgoing, work);
      },
    }),
  ];
}

/** @throws Problem 400 */
function textOf({ content, prompt }: { content?: string | undefined; prompt?: string | undefined }): string {
  const text = content ?? prompt;
  if (text !== undefined && (content === undefined || prompt === undefined)) return text;
  const what = text === undefined ? "content is missing" : "content stands for prompt: leave one of them out";
  throw new Problem(400, "invalid_value", `the request: ${what}`, { param: "content" });
}
