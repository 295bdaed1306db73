/** Options that say where the text ends and what part of it is reasoning. */
import { types } from "node:util";
import * as v from "valibot";
import type { ThinkingTags } from "../generation/types.js";
import { compileRegex, UnsupportedRegex } from "../stops/compile-regex.js";
import type { Program } from "../stops/program.js";
import { any, flag, list, object, text } from "../validation/fields.js";

const MAX_REGEXES = 16;

const isRegex = (value: unknown) => types.isRegExp(value) || (typeof value === "string" && value !== "");

/** One of `stopRegexes`, compiled. A program has no state: all completions of all requests of a call share it. */
export interface StopRegex {
  /** The pattern, without its flags. */
  readonly source: string;
  readonly program: Program;
}

const stopRegexSchema = v.pipe(
  any<RegExp | string>(isRegex, "a regular expression, as a RegExp or a string that is not empty"),
  v.rawTransform(({ dataset, addIssue, NEVER }): StopRegex => {
    const regex = dataset.value;
    try {
      return { source: typeof regex === "string" ? regex : regex.source, program: compileRegex(regex) };
    } catch (error) {
      if (!(error instanceof UnsupportedRegex)) throw error;
      addIssue({ message: error.message });
      return NEVER;
    }
  }),
);

/** Checks `stopRegexes` and compiles each. */
export const stopRegexesSchema = v.optional(
  v.pipe(
    list(stopRegexSchema, "regular expressions"),
    v.check((regexes) => regexes.length <= MAX_REGEXES, `must hold at most ${MAX_REGEXES} regular expressions`),
  ),
  (): (RegExp | string)[] => [],
);

const tagsSchema = object({
  open: text({ filled: true }),
  close: text({ filled: true }),
  startsOpen: v.optional(flag()),
}) satisfies v.GenericSchema<ThinkingTags>;

/** Checks `thinkingTags`. */
export const thinkingTagsSchema = v.optional(
  v.lazy((value): v.GenericSchema<ThinkingTags | false> => (value === false ? v.literal(false) : tagsSchema)),
);
