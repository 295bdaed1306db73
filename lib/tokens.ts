import * as v from "valibot";
import type { EngineCore } from "./core.js";
import { toMedInferError } from "./errors.js";
import { any, flag, object, text } from "./validation/fields.js";
import { parse } from "./validation/parse.js";

/** Options of {@link Engine.tokenize}. */
export interface TokenizeOptions {
  /** Whether the tokens that the vocabulary puts around a prompt, such as BOS, are added. Default false. */
  addSpecial?: boolean;
  /** Whether control tokens written in the text, such as `</s>`, are read as such. Default false. */
  parseSpecial?: boolean;
}

/** Options of {@link Engine.detokenize}. */
export interface DetokenizeOptions {
  /** Whether control tokens are written out. Default false. */
  special?: boolean;
}

const tokenizeSchema = object({
  addSpecial: v.optional(flag(), false),
  parseSpecial: v.optional(flag(), false),
});
const detokenizeSchema = object({ special: v.optional(flag(), false) });
const tokensSchema = any<Int32Array | readonly number[]>(
  (value) =>
    value instanceof Int32Array ||
    (Array.isArray(value) && value.every((id) => Number.isInteger(id) && id >= 0 && id < 2 ** 31)),
  "a list of token ids",
);

/** See Engine.tokenize. */
export function tokenize(core: EngineCore, given: string, options: TokenizeOptions): Int32Array {
  const plain = parse(text(), given, "engine.tokenize: text");
  const { addSpecial, parseSpecial } = parse(tokenizeSchema, options, "engine.tokenize: options");
  try {
    return core.native.tokenize(plain, addSpecial, parseSpecial);
  } catch (error) {
    throw toMedInferError(error);
  }
}

/** See Engine.detokenize. */
export function detokenize(
  core: EngineCore,
  given: Int32Array | readonly number[],
  options: DetokenizeOptions,
): string {
  const tokens = parse(tokensSchema, given, "engine.detokenize: tokens");
  const { special } = parse(detokenizeSchema, options, "engine.detokenize: options");
  try {
    return core.native.detokenize(Int32Array.from(tokens), special);
  } catch (error) {
    throw toMedInferError(error);
  }
}
