/** The body of POST /v1/embeddings, and its answer. */
import * as v from "valibot";
import { readUsageSchema, truncatedSchema } from "./read-usage.js";

/** As many as the AI SDK sends at once. */
const MOST_TEXTS = 2048;

const tokenIds =
  "holds token ids, whose vocabulary may be another model's, and has to hold texts: " +
  "with LangChain's OpenAIEmbeddings for Python set check_embedding_ctx_length=False";

/** Some clients send token ids, even in lists of lists: they are told how to send the texts. */
function textMessage({ input }: { input: unknown }): string {
  const [first] = Array.isArray(input) ? (input as unknown[]) : [input];
  return typeof first === "number" ? tokenIds : "must be a text";
}

const text = v.pipe(v.string(textMessage), v.minLength(1));

function inputMessage({ input }: { input: unknown }): string {
  return typeof input === "number" ? tokenIds : "must be a text or a list of texts";
}

export const embeddingsSchema = v.strictObject({
  model: v.string(),
  input: v.union([text, v.pipe(v.array(text), v.minLength(1), v.maxLength(MOST_TEXTS))], inputMessage),
  /** `"base64"`: the floats as 32 bits each, little-endian. */
  encoding_format: v.nullish(v.picklist(["float", "base64"])),
  dimensions: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(1))),
  /** Taken, and without effect. */
  user: v.nullish(v.string()),
  /** Ours: whether a text that is too long is cut at its end, which the answer then says. */
  truncate: v.nullish(v.boolean()),
});

export type EmbeddingsBody = v.InferOutput<typeof embeddingsSchema>;

export const embeddingsAnswer = v.object({
  object: v.literal("list"),
  data: v.array(
    v.object({
      object: v.literal("embedding"),
      index: v.number(),
      embedding: v.union([v.array(v.number()), v.string()]),
    }),
  ),
  model: v.string(),
  usage: readUsageSchema,
  truncated: v.optional(truncatedSchema),
});
