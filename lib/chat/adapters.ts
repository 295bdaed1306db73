/** What a family of models needs and its files do not say: found by a pattern on the model's path or name. */
import { types } from "node:util";
import * as v from "valibot";
import { argumentError } from "../errors.js";
import { excerpt } from "../excerpt.js";
import { any, list, object, text } from "../validation/fields.js";
import { parse } from "../validation/parse.js";

/** What an adapter may look at to tell whether a model is its own. */
export interface AdapterFacts {
  /** The path of the model file as it was found; empty for the model inside the package. */
  path: string;
  /** The name that the file gives itself; may be empty. */
  name: string;
  /** E.g. `"llama 7B Q4_K - Medium"`. */
  description: string;
  /** The Jinja template in the file; may be empty. */
  chatTemplate: string;
}

/** Texts of special tokens that templates get, in place of those of the vocabulary. */
export interface SpecialTokens {
  bos?: string;
  eos?: string;
  /** `"eos"`: the text of the end-of-sequence token. */
  pad?: string;
}

/** See {@link registerModelAdapter}. */
export interface ModelAdapter {
  name: string;
  /** A pattern that the path or the name of a model has to match, or a function that looks at it. */
  matches: RegExp | ((model: AdapterFacts) => boolean);
  /** The chat template where neither the request nor the engine names one: a name or a Jinja template. */
  chatTemplate?: string;
  /** Stop strings beside those of the template, where neither the request nor the engine names a template. */
  stopStrings?: readonly string[];
  specialTokens?: SpecialTokens;
}

/** Checks a {@link ModelAdapter}. */
export const adapterSchema = object({
  name: text({ filled: true }),
  matches: any<ModelAdapter["matches"]>(
    (value) => types.isRegExp(value) || typeof value === "function",
    "a regular expression or a function",
  ),
  chatTemplate: v.optional(text({ filled: true })),
  stopStrings: v.optional(list(text({ filled: true }), "texts"), () => []),
  specialTokens: v.optional(
    object({ bos: v.optional(text()), eos: v.optional(text()), pad: v.optional(text()) }),
    () => ({}),
  ),
}) satisfies v.GenericSchema<ModelAdapter, unknown>;

type ResolvedAdapter = v.InferOutput<typeof adapterSchema>;

/** The latest first. */
let adapters: readonly ResolvedAdapter[] = [
  // As Meditron's deployment does it: the base models know no chat, one worked example shows them.
  {
    name: "meditron",
    matches: /meditron/i,
    chatTemplate: "one_shot",
    stopStrings: [],
    specialTokens: { pad: "eos" },
  },
];

/**
 * Says what models of one family need, for those that are loaded from now on. The latest adapter that matches is used;
 * one of the same name is replaced. A request's own template goes before, then the engine's, then the adapter's, then
 * the one in the model file.
 *
 * One is there from the start: `"meditron"`, for models with that word in their path or name, has the template
 * `"one_shot"`, and the end-of-sequence token for padding.
 *
 * @throws MedInferError `INVALID_ARGUMENT`
 *
 * @example
 * registerModelAdapter({ name: "our-triage", matches: /triage-7b/i, chatTemplate: "chatml", stopStrings: ["###"] });
 */
export function registerModelAdapter(adapter: ModelAdapter): void {
  const resolved = parse(adapterSchema, adapter, "registerModelAdapter");
  adapters = [resolved, ...adapters.filter(({ name }) => name !== resolved.name)];
}

/**
 * The adapter of a model, if there is one.
 *
 * @throws MedInferError `INVALID_ARGUMENT` where an adapter's function throws
 */
export function findAdapter(model: AdapterFacts): ResolvedAdapter | undefined {
  return adapters.find(({ name, matches }) => {
    // search() starts at the beginning whatever the pattern's flags.
    if (types.isRegExp(matches)) return [model.path, model.name].some((text) => text.search(matches) >= 0);
    try {
      return matches({ ...model });
    } catch (cause) {
      throw argumentError("registerModelAdapter", "matches", `of the adapter "${excerpt(name)}" threw an error`, cause);
    }
  });
}
