/** Options that say where the text ends and what part of it is reasoning. */
import { types } from "node:util";
import * as v from "valibot";
import type { ThinkingTags } from "../generation/types.js";
import { compileRegex, UnsupportedRegex } from "../stops/compile-regex.js";
import { any, flag, list, object, text } from "../validation/fields.js";

const MAX_REGEXES = 16;

const isRegex = (value: unknown) => types.isRegExp(value) || (typeof value === "string" && value !== "");

const stopRegexSchema = v.pipe(
  any<RegExp | string>(isRegex, "a regular expression, as a RegExp or a string that is not empty"),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    try {
      compileRegex(dataset.value);
    } catch (error) {
      if (!(error instanceof UnsupportedRegex)) throw error;
      addIssue({ message: error.message });
    }
  }),
);

/** Checks `stopRegexes`, each of which {@link compileRegex} takes. */
export const stopRegexesSchema = v.optional(
  v.pipe(
    list(stopRegexSchema, "regular expressions"),
    v.check((regexes) => regexes.length <= MAX_REGEXES, `must hold at most ${MAX_REGEXES} regular expressions`),
  ),
  () => [],
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
