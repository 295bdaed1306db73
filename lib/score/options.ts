/** Checks what engine.score and session.score take. */
import { types } from "node:util";
import * as v from "valibot";
import { contentSchema } from "../chat/schema.js";
import {
  chatOptionsSchema,
  completeOptionsSchema,
  generationEntries,
  type ResolvedGenerationOptions,
} from "../options/request-options.js";
import { sessionChatSchema } from "../session/options.js";
import { any, integer, list, object } from "../validation/fields.js";

const MAX_CANDIDATES = 256;

/** A candidate, as the addon takes it. */
export type Candidate = string | Int32Array;

const candidateSchema = v.lazy((input): v.GenericSchema<string | readonly number[] | Int32Array, Candidate> => {
  const ids = v.pipe(
    types.isInt32Array(input) ? any<Int32Array>(() => true, "token ids") : list(integer(0), "token ids"),
    v.check((given) => given.length > 0, "must not be empty"),
    v.transform((given) => Int32Array.from(given)),
  );
  const text = any<string>(
    (value) => typeof value === "string" && value !== "",
    "a text that is not empty, or token ids",
  );
  return typeof input === "object" && input !== null ? ids : text;
});

const keyOf = (candidate: Candidate) => (typeof candidate === "string" ? `"${candidate}` : candidate.join(" "));

const { priority, signal, cacheSalt, adapters } = generationEntries;

const candidateEntries = {
  candidates: v.pipe(
    list(candidateSchema, "candidates", true),
    v.check((all) => all.length <= MAX_CANDIDATES, `must hold at most ${MAX_CANDIDATES}`),
    v.check((all) => new Set(all.map(keyOf)).size === all.length, "must not hold one twice"),
  ),
  priority,
  signal,
};

const chat = chatOptionsSchema.entries;
/** Checks {@link ScoreChatOptions}. */
export const scoreChatSchema = object({
  messages: chat.messages,
  images: chat.images,
  chatTemplate: chat.chatTemplate,
  useChatTemplate: chat.useChatTemplate,
  templateArguments: chat.templateArguments,
  tools: chat.tools,
  reasoningEffort: chat.reasoningEffort,
  continueFinalMessage: chat.continueFinalMessage,
  cacheSalt,
  adapters,
  ...candidateEntries,
});

const completion = completeOptionsSchema.entries;
/** Checks {@link ScorePromptOptions}. */
export const scorePromptSchema = object({
  prompt: completion.prompt,
  images: completion.images,
  parseSpecial: completion.parseSpecial,
  addSpecial: completion.addSpecial,
  cacheSalt,
  adapters,
  ...candidateEntries,
});

/** Checks {@link SessionScoreOptions}. */
export const sessionScoreSchema = object({
  content: contentSchema,
  images: sessionChatSchema.entries.images,
  ...candidateEntries,
});

/** What a chat has of options whose answer is nobody's. */
export const noCalls = { parallelToolCalls: true, onContextFull: "stop" as const };

/** What a request has that asks for nothing special. */
export const plainOptions: ResolvedGenerationOptions = v.parse(object(generationEntries), {});
