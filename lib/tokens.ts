import { types } from "node:util";
import * as v from "valibot";
import type { EngineCore } from "./core.js";
import { any, flag, object, text } from "./validation/fields.js";
import { parse } from "./validation/parse.js";

/** Options of {@link Engine.tokenize}. */
export interface TokenizeOptions {
  /**
   * Whether the tokens are added that the vocabulary puts around a whole text: BOS, where it is not there, and at the end EOS
   * or SEP. A prompt has the first alone. Default false.
   */
  addSpecial?: boolean;
  /** Whether control tokens written in the text, such as `</s>`, are read as such. Default false. */
  parseSpecial?: boolean;
}

/** Options of {@link Engine.detokenize}. */
export interface DetokenizeOptions {
  /** Whether control tokens are written out. Default false. */
  special?: boolean;
}

/** Checks {@link TokenizeOptions}. */
export const tokenizeOptionsSchema = object({
  addSpecial: v.optional(flag(), false),
  parseSpecial: v.optional(flag(), false),
});
/** Checks {@link DetokenizeOptions}. */
export const detokenizeOptionsSchema = object({ special: v.optional(flag(), false) });
const tokensSchema = any<Int32Array | readonly number[]>(
  (value) =>
    types.isInt32Array(value) ||
    (Array.isArray(value) && value.every((id) => Number.isInteger(id) && id >= 0 && id < 2 ** 31)),
  "a list of token ids",
);

/** See Engine.tokenize. */
export function tokenize(core: EngineCore, given: string, options: TokenizeOptions): Int32Array {
  const plain = parse(text(), given, "engine.tokenize: text");
  const { addSpecial, parseSpecial } = parse(tokenizeOptionsSchema, options, "engine.tokenize: options");
  const { buffer } = core.native.tokenize(plain, addSpecial, parseSpecial);
  return new Int32Array(buffer); // of this realm, where the addon's may be of another
}

/** See Engine.detokenize. */
export function detokenize(
  core: EngineCore,
  given: Int32Array | readonly number[],
  options: DetokenizeOptions,
): string {
  const tokens = parse(tokensSchema, given, "engine.detokenize: tokens");
  const { special } = parse(detokenizeOptionsSchema, options, "engine.detokenize: options");
  return core.native.detokenize(Int32Array.from(tokens), special);
}
