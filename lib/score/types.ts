/** What engine.score takes and gives. */
import type { AdapterUse } from "../adapters/options.js";
import type {
  ChatMessage,
  Content,
  FunctionTool,
  ImageInput,
  ReasoningEffort,
  TemplateArguments,
  Tool,
} from "../chat/types.js";
import type { Timings, Usage } from "../generation/types.js";

/** What is asked of every score. */
export interface CandidateOptions {
  /**
   * What may follow, e.g. `["yes", "no"]`: texts, in which control tokens are plain characters, or lists of token ids. From 1
   * to 256, none of them twice.
   */
  candidates: readonly (string | readonly number[] | Int32Array)[];
  /** Higher runs first. From -1000 to 1000. Default 0. */
  priority?: number;
  /** Aborting it ends the call with `ABORTED`. */
  signal?: AbortSignal;
}

/** Candidates for the answer to a conversation; see {@link ChatOptions}. */
export interface ScoreChatOptions extends CandidateOptions {
  /** The conversation: the candidates stand where its answer would begin. */
  messages: readonly ChatMessage[];
  prompt?: undefined;
  /** Images put before the text of the last user message, each followed by a line break. */
  images?: readonly ImageInput[];
  /** A name or a Jinja template. Default: that of the engine. */
  chatTemplate?: string;
  /** False: the contents of the messages are sent as they are. Default true. */
  useChatTemplate?: boolean;
  /** Values of the chat template's own variables. Default none. */
  templateArguments?: TemplateArguments;
  /** See {@link ChatOptions.tools}: they are in the prompt. Default none. */
  tools?: readonly (Tool | FunctionTool)[];
  /** See {@link ChatOptions.reasoningEffort}. */
  reasoningEffort?: ReasoningEffort;
  /** Whether the candidates go on with the last message, the assistant's. Default false. */
  continueFinalMessage?: boolean;
  /** See {@link GenerationOptions.cacheSalt}. Default `""`. */
  cacheSalt?: string;
  /** See {@link GenerationOptions.adapters}. Default none. */
  adapters?: readonly AdapterUse[];
}

/** Candidates for what follows a text; see {@link CompleteOptions}. */
export interface ScorePromptOptions extends CandidateOptions {
  /** The text that the candidates continue, or its token ids. */
  prompt: Content | readonly number[] | Int32Array;
  messages?: undefined;
  /** Images put before the prompt, with nothing between. */
  images?: readonly ImageInput[];
  /** Whether control tokens written in the prompt are read as such. Default true. */
  parseSpecial?: boolean;
  /** Whether the vocabulary's BOS token is put before the prompt. Default true. */
  addSpecial?: boolean;
  /** See {@link GenerationOptions.cacheSalt}. Default `""`. */
  cacheSalt?: string;
  /** See {@link GenerationOptions.adapters}. Default none. */
  adapters?: readonly AdapterUse[];
}

/** Options of {@link Engine.score}: of a conversation, or of a text. */
export type ScoreOptions = ScoreChatOptions | ScorePromptOptions;

/** Options of {@link Session.score}. */
export interface SessionScoreOptions extends CandidateOptions {
  /** What the user says, before the candidates; images may stand among its parts. */
  content: Content;
  /** Images put before the content, each followed by a line break. */
  images?: readonly ImageInput[];
}

/** How likely a candidate is, as the model gives it: at temperature 1, before every filter. */
export interface ScoredCandidate {
  /** The candidate; of one that was given as token ids, their text. */
  text: string;
  /**
   * The tokens behind what all candidates have in common. Where the tokenizer joins the prompt's end with the beginning of
   * one of the candidates, each of them begins with its tokens for that end.
   */
  tokenIds: number[];
  /** The sum of `tokenLogprobs`: the natural logarithm of the probability that exactly these tokens come next. */
  logprob: number;
  /** The natural logarithm of each token's probability behind those before it. -Infinity: impossible. */
  tokenLogprobs: number[];
  /** Its share among the candidates: their probabilities, made to sum to 1. */
  probability: number;
}

/** What engine.score gives. */
export interface ScoreResult {
  /** In the order in which they were given. */
  candidates: ScoredCandidate[];
  /** Of the prompt, as far as the candidates have it in common. */
  usage: Usage;
  timings: Timings;
}
