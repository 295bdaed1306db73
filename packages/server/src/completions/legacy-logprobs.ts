import { StringDecoder } from "node:string_decoder";
import type { GenerationResult, PromptLogprob, TokenLogprob, TokenLogprobs } from "medinfer";
import { withoutEnds, type LogprobsShown } from "../generate/logprobs-shown.js";

/** OpenAI's form of logprobs in completions. */
export interface LegacyLogprobs {
  /** Where each token begins in the choice's text, in Unicode characters. */
  text_offset: number[];
  /** Null for a first token, which nothing is before. */
  token_logprobs: (number | null)[];
  tokens: string[];
  /** The likeliest tokens by their texts, and the token itself; null for a first token. */
  top_logprobs: (Record<string, number> | null)[];
}

interface Entry {
  bytes: readonly number[];
  logprob: number | null;
  top: readonly Pick<TokenLogprob, "bytes" | "logprob">[];
}

/** Lists a choice's tokens, in one piece or as they come. */
export class LegacyLogprobList {
  readonly #shown: LogprobsShown;
  readonly #decoder = new StringDecoder("utf8");
  #offset = 0;

  constructor(shown: LogprobsShown) {
    this.#shown = shown;
  }

  /**
   * @param prompt of an echoed prompt
   * @param drawn of the answer
   */
  next(prompt: readonly PromptLogprob[], drawn: readonly TokenLogprobs[]): LegacyLogprobs {
    return this.#listed([
      ...prompt,
      ...withoutEnds(drawn, this.#shown).map(({ bytes, logprobBefore: logprob, before: top }) => {
        return { bytes, logprob, top };
      }),
    ]);
  }

  #listed(entries: readonly Entry[]): LegacyLogprobs {
    const { top: most } = this.#shown;
    const names = entries.map(({ bytes }) => nameOf(bytes));
    return {
      text_offset: entries.map(({ bytes }) => this.#advance(bytes)),
      token_logprobs: entries.map(({ logprob }) => logprob),
      tokens: names,
      top_logprobs: entries.map(({ logprob, top }, i) => {
        if (logprob === null) return null;
        const likeliest = top.slice(0, most).map((each) => [nameOf(each.bytes), each.logprob] as const);
        return Object.fromEntries([...likeliest, [names[i]!, logprob]]);
      }),
    };
  }

  /** Where a token begins. One that begins within a character begins where that does. */
  #advance(bytes: readonly number[]): number {
    const offset = this.#offset;
    this.#offset += [...this.#decoder.write(Buffer.from(bytes))].length;
    return offset;
  }
}

/** A token's text; of one that is a part of a character its bytes, as OpenAI writes them. */
function nameOf(bytes: readonly number[]): string {
  const text = Buffer.from(bytes).toString("utf8");
  if (!text.includes("\u{fffd}")) return text;
  return `bytes:${bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}`;
}

/**
 * The tokens whose texts are an echoed prompt's text.
 *
 * @param tokens what the engine tells of the prompt: also the BOS token that the vocabulary put in front
 * @param text begins with the prompt's
 */
export function echoedTokens(
  tokens: readonly (PromptLogprob | null)[],
  text: string,
  bosToken: string,
): readonly PromptLogprob[] {
  const known = tokens.filter((each) => each !== null);
  const [first, ...rest] = known;
  return first !== undefined && first.text === bosToken && !text.startsWith(bosToken) ? rest : known;
}

/** Of a whole choice. */
export function legacyLogprobs(
  { logprobs = [], promptLogprobs = [], text }: GenerationResult,
  shown: LogprobsShown,
  bosToken: string,
): LegacyLogprobs {
  return new LegacyLogprobList(shown).next(echoedTokens(promptLogprobs, text, bosToken), logprobs);
}
