import { samplingDefaults, samplingSchema } from "../sampling/schema.js";
import type { JsonSchema } from "../schema/types.js";
import { objectOf } from "../validation/json-schema.js";
import { chatOptionsSchema, completeOptionsSchema } from "./request-options.js";

/** JSON schemas of what requests take. */
export interface OptionSchemas {
  /** {@link Sampling}: every parameter with its range and its default. */
  sampling: JsonSchema;
  /** {@link ChatOptions}. */
  chat: JsonSchema;
  /** {@link CompleteOptions}. */
  complete: JsonSchema;
}

/**
 * The options of requests as JSON schemas, for documents and pages of an API that passes them on: made of what checks them,
 * so that names, ranges and defaults are the same. They say less than the check itself does (which parameters exclude each
 * other, what a path may be), so what they take may still be refused. `signal` is left out.
 */
export function optionSchemas(): OptionSchemas {
  const { properties, ...sampling } = objectOf(samplingSchema.entries);
  return {
    sampling: { ...sampling, properties: withDefaults(properties as Record<string, JsonSchema>) },
    chat: withoutSignal(chatOptionsSchema.entries),
    complete: withoutSignal(completeOptionsSchema.entries),
  };
}

function withDefaults(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  const defaults: Readonly<Record<string, unknown>> = { ...samplingDefaults };
  const entries = Object.entries(properties);
  return Object.fromEntries(
    entries.map(([name, schema]) => [name, name in defaults ? { ...schema, default: defaults[name] } : schema]),
  );
}

function withoutSignal({ signal: _signal, ...entries }: Parameters<typeof objectOf>[0]): JsonSchema {
  return objectOf(entries);
}
