import type { ChoiceOptions, GenerationOptions, Sampling } from "medinfer";
import type { Terms } from "./terms.js";

/** OpenAI's names of what shapes an answer, of the calls that have them. */
export interface SamplingFields {
  temperature?: number | null | undefined;
  top_p?: number | null | undefined;
  frequency_penalty?: number | null | undefined;
  presence_penalty?: number | null | undefined;
  seed?: number | null | undefined;
  logit_bias?: Record<string, number> | null | undefined;
}

/** How one kind of call says what all of them may say. */
export interface AnswerForm {
  body: SamplingFields & Readonly<Record<string, unknown>>;
  /** The library's own names that its body may have. */
  ownNames: readonly string[];
  terms: Terms;
  /** Tells the client something in a header. */
  note: (text: string) => void;
}

/**
 * A request as the library is asked for it: what the call's own fields say, then what its body says under the library's
 * names, then what the server decides.
 *
 * @param fields what the call's own names say
 */
export function answerOptions<T extends GenerationOptions & ChoiceOptions>(fields: T, form: AnswerForm): T {
  const { body, ownNames, terms, note } = form;
  const own = Object.fromEntries(
    ownNames.filter((name) => name in body).map((name) => [name, body[name]]),
  ) as GenerationOptions;
  const hasForm = [fields.jsonSchema, own.jsonSchema].some((schema) => schema !== undefined);
  return {
    // Clients read JSON that is cut as a failure, and ask again up to seven times.
    ...(hasForm ? { closeAtLimit: true } : {}),
    ...fields,
    ...own,
    sampling: { ...samplingOf(body, note), ...fields.sampling, ...own.sampling },
    timeLimitMs: Math.min(own.timeLimitMs ?? Infinity, terms.timeLimitMs),
    cacheSalt: terms.cacheSalt,
    signal: terms.signal,
  };
}

function samplingOf(body: SamplingFields, note: (text: string) => void): Sampling {
  const { temperature, top_p: topP, frequency_penalty: frequencyPenalty, presence_penalty: presencePenalty } = body;
  const given = { temperature, topP, frequencyPenalty, presencePenalty, seed: seedOf(body.seed, note) };
  const set = Object.entries(given).filter(([, value]) => value !== null && value !== undefined);
  const bias = Object.entries(body.logit_bias ?? {});
  return {
    ...Object.fromEntries(set),
    // OpenAI's scale ends where a token is never drawn.
    ...(bias.length > 0
      ? { tokenIdBias: Object.fromEntries(bias.map(([id, value]) => [id, value === -100 ? false : value])) }
      : {}),
  };
}

/** Seeds have 32 bits: of a longer one what is left of it, and -1 draws one. */
function seedOf(seed: number | null | undefined, note: (text: string) => void): number | undefined {
  if (seed === null || seed === undefined) return undefined;
  if (seed >= -1 && seed < 2 ** 32) return seed;
  const reduced = Number(BigInt.asUintN(32, BigInt(seed)));
  note(`seed reduced to 32 bits: ${reduced}`);
  return reduced;
}
