/** The library's own options of requests, under its own names, as fields of a request's body. */
import * as v from "valibot";
import { optionSchemas, type JsonSchema } from "medinfer";

const { sampling, chat, complete } = optionSchemas();

/** Options that a body says in another way, or that are the server's to decide. */
const notOfChat = ["messages", "images", "n", "cacheSalt", "adapters", "tools", "toolChoice", "parallelToolCalls"];
const notOfCompletions = ["prompt", "images", "n", "cacheSalt", "adapters", "echo", "bestOf"];

/** What a body may say beside OpenAI's names: the library checks it, and its JSON schema documents it. */
export const ownChatOptions = ownFields(chat, notOfChat);
export const ownCompletionOptions = ownFields(complete, notOfCompletions);

export const ownChatNames: readonly string[] = Object.keys(ownChatOptions);
export const ownCompletionNames: readonly string[] = Object.keys(ownCompletionOptions);

const samplingNames = Object.keys(sampling.properties as object);

function ownFields({ properties }: JsonSchema, left: readonly string[]) {
  const fields = Object.entries({ ...(properties as Record<string, JsonSchema>), sampling });
  return Object.fromEntries(
    fields.filter(([name]) => !left.includes(name)).map(([name, schema]) => [name, v.optional(documented(schema))]),
  );
}

function documented(jsonSchema: JsonSchema) {
  return v.pipe(v.unknown(), v.metadata({ jsonSchema }));
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Where a name in the style of Python belongs: `top_k` is `sampling.topK`, `n_predict` is `nPredict`. */
export const pythonNames = new Map<string, { name: string; inSampling: boolean }>([
  ...[...new Set([...ownChatNames, ...ownCompletionNames])].map(
    (name) => [snake(name), { name, inSampling: false }] as const,
  ),
  ...samplingNames.map((name) => [snake(name), { name, inSampling: true }] as const),
  ["repetition_penalty", { name: "repeatPenalty", inSampling: true }],
]);

/**
 * The body with names of the library's in the style of Python, as llama-server and vLLM have them, put where they belong.
 * OpenAI's own names stay: `known` has them.
 */
export function withOwnNames(body: unknown, known: Readonly<Record<string, unknown>>): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  // Without a prototype: "__proto__" is a name like any other here, and brings no fields in.
  const result = Object.create(null) as Record<string, unknown>;
  const sampling: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(body)) {
    const place = Object.hasOwn(known, key) ? undefined : pythonNames.get(key);
    if (place === undefined) result[key] = value;
    else (place.inSampling ? sampling : result)[place.name] = value;
  }
  if (Object.keys(sampling).length > 0) {
    const given = result.sampling;
    result.sampling = typeof given === "object" && given !== null ? { ...sampling, ...given } : sampling;
  }
  return result;
}
