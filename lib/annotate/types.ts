/** Many documents or images, one answer each. */
import type { MedInferError } from "../errors.js";
import type { FunctionTool, ImageInput, ReasoningEffort, TemplateArguments, Tool } from "../chat/types.js";
import type { DocumentOptions, DocumentSource, PageFacts } from "../documents/types.js";
import type { PromptLogprob, TokenLogprobs } from "../generation/logprobs.js";
import type { FinishReason, MadeToolCall, SeenImage, Timings, Usage } from "../generation/types.js";
import type { GenerationOptions } from "../options/request-options.js";
import type { ToolChoice } from "../tools/tool-choice.js";

/** A document, an image, or both. Other keys are yours: the row comes back with its answer. */
export interface AnnotateRow {
  /** Yours; it comes back with the row. */
  id?: string | number;
  /** Put before the prompt, followed by a line break. */
  image?: ImageInput;
  /** Several of them, in this order; after `image`. */
  images?: readonly ImageInput[];
  /**
   * A document whose pages are shown before the images, as an image each. It needs the package @medinfer/documents.
   */
  document?: DocumentSource;
  /** Which pages of `document`, from 1. Default: all. */
  pages?: readonly number[];
  /** Of `document`, where it is an encrypted PDF. */
  password?: string;
  /** What is asked of this row. Default: the `prompt` of the options. */
  prompt?: string;
}

/** Options of {@link Engine.annotate}. */
export interface AnnotateOptions extends GenerationOptions {
  /** What is asked of every row that asks nothing itself. */
  prompt?: string;
  /** The system message; empty: none. Default `"You are a helpful assistant."`, or none without a chat template. */
  systemPrompt?: string;
  /** A name or a Jinja template. Default: that of the engine. */
  chatTemplate?: string;
  /**
   * False: a row's images and prompt are sent as they are, with no system message; see {@link ChatOptions}. Default
   * true.
   */
  useChatTemplate?: boolean;
  /** The same for every row; see {@link ChatOptions}. Default none. */
  templateArguments?: TemplateArguments;
  /** The same for every row; see {@link ChatOptions}. Default none. */
  tools?: readonly (Tool | FunctionTool)[];
  /** The same for every row; see {@link ChatOptions}. Default `"auto"`. */
  toolChoice?: ToolChoice;
  /** The same for every row; see {@link ChatOptions}. Default true. */
  parallelToolCalls?: boolean;
  /** The same for every row; see {@link ChatOptions}. */
  reasoningEffort?: ReasoningEffort;
  /** How the documents of rows are read. */
  documents?: DocumentOptions;
  /** Most rows that are under way at once. Default: twice the engine's `batchSize`. */
  concurrency?: number;
  /**
   * `"collect"`: a row that fails has an `error` and the empty text, and the others go on. `"throw"`: the first such
   * row ends everything. An abort, and an engine that is closed, end everything in both cases. Default `"collect"`.
   */
  onError?: "collect" | "throw";
}

/** A row's answer. */
export interface AnnotateResult<TRow extends AnnotateRow = AnnotateRow, T = unknown> {
  /** The row as it was given. */
  row: TRow;
  /** Its place among the rows, from 0. */
  index: number;
  /** The answer; empty where the row failed. */
  text: string;
  /** As {@link GenerationResult.reasoning}; empty where the row failed. */
  reasoning: string;
  /** The calls of `tools` that the model made; empty where the row failed. */
  toolCalls: MadeToolCall[];
  /** The value of the answer, with a `jsonSchema`; undefined where the row failed or its answer is not complete. */
  parsed: T | undefined;
  /** Why the row failed; undefined where it did not. */
  error: MedInferError | undefined;
  /** `llamacpp_exception`: the message of the error. Empty where there is none. */
  metadata: { llamacpp_exception?: string };
  /** Undefined where the row failed. */
  finishReason: FinishReason | undefined;
  /** Undefined where the row failed. */
  usage: Usage | undefined;
  /** Undefined where the row failed. */
  timings: Timings | undefined;
  /** What is known of the pages of the row's `document`, their text layers among it. Undefined where it has none. */
  pages?: PageFacts[];
  /** What became of the row's images. Undefined where it has none. */
  images?: SeenImage[];
  /** Where `promptLogprobs` asks for them: see {@link GenerationResult.promptLogprobs}. */
  promptLogprobs?: (PromptLogprob | null)[];
  /** Where `nProbs` asks for them: see {@link GenerationResult.logprobs}. */
  logprobs?: TokenLogprobs[];
}
