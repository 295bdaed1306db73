/** Runs rows through an engine, several at once, and gives their answers in order. */
import * as v from "valibot";
import { CallEnd } from "../call-end.js";
import { imageInputSchema, promptEntries } from "../chat/schema.js";
import type { EngineCore } from "../core.js";
import { RowDocuments } from "../documents/row-documents.js";
import { isDocumentSource } from "../documents/source.js";
import type { DocumentOptions, DocumentPage, DocumentSource } from "../documents/types.js";
import { argumentError, MedInferError } from "../errors.js";
import type { GenerationResult } from "../generation/types.js";
import { generationEntries, ofCompletions, type ResolvedChatOptions } from "../options/request-options.js";
import { pause } from "../pause.js";
import { imagesFirst, lostWithoutTemplate, prepareChat, refuseTemplateOptions } from "../requests/prepare.js";
import { start } from "../requests/start.js";
import { requireTask } from "../require-task.js";
import { grammarOf } from "../schema/grammar.js";
import { toolChoiceSchema } from "../tools/tool-choice.js";
import { any, flag, integer, list, object, oneOf, text } from "../validation/fields.js";
import { parse } from "../validation/parse.js";
import { orderedPool } from "./ordered-pool.js";
import type { AnnotateOptions, AnnotateResult, AnnotateRow } from "./types.js";

/** Checks {@link AnnotateOptions}. */
export const annotateOptionsSchema = object(
  {
    prompt: v.optional(text({ filled: true })),
    systemPrompt: v.optional(text()),
    chatTemplate: v.optional(text({ filled: true })),
    useChatTemplate: v.optional(flag(), true),
    ...promptEntries,
    toolChoice: v.optional(toolChoiceSchema),
    parallelToolCalls: v.optional(flag(), true),
    documents: v.optional(
      any<DocumentOptions>((value) => typeof value === "object" && value !== null, "an object"),
      () => ({}),
    ),
    concurrency: v.optional(integer(1, 65536)),
    onError: v.optional(oneOf(["collect", "throw"]), "collect"),
    ...generationEntries,
  },
  ofCompletions,
);

/** Checks an {@link AnnotateRow}. */
export const annotateRowSchema = v.looseObject(
  {
    id: v.optional(
      any<string | number>((id) => typeof id === "string" || typeof id === "number", "a string or a number"),
    ),
    image: v.optional(imageInputSchema),
    images: v.optional(list(imageInputSchema, "images"), () => []),
    document: v.optional(any<DocumentSource>(isDocumentSource, "a path, bytes, a Blob or a URL object")),
    pages: v.optional(list(integer(1), "page numbers", true)),
    password: v.optional(text()),
    prompt: v.optional(text({ filled: true })),
  },
  "must be an object",
);

/** What every row asks for, beside its own prompt and images. */
type Defaults = Omit<v.InferOutput<typeof annotateOptionsSchema>, "concurrency" | "documents" | "onError">;

type AskedRow = v.InferOutput<typeof annotateRowSchema>;
/** A row, and the pages of its document. */
interface RowToAnswer {
  readonly row: AskedRow;
  readonly pages: readonly DocumentPage[];
}

/** As messages name it; a row is `engine.annotate: rows[3]`. */
const CALL = "engine.annotate";

/** Finished rows that may wait for an unfinished one before them, per row that runs. */
const WINDOW = 16;
/** How long a row waits, in milliseconds, where requests of others fill the engine's queue. */
const QUEUE_RETRY_MS = 50;

/** See Engine.annotate. */
export async function* annotateRows<TRow extends AnnotateRow>(
  core: EngineCore,
  rows: AsyncIterable<TRow> | Iterable<TRow>,
  given: AnnotateOptions,
): AsyncGenerator<AnnotateResult<TRow>, void, undefined> {
  const {
    concurrency = core.info.batchSize * 2,
    documents: howToRead,
    onError,
    ...defaults
  } = parse(annotateOptionsSchema, given, CALL);
  requireTask(core, "generate", CALL);
  if (!isIterable(rows)) throw argumentError(CALL, "rows", "must be iterable");
  checkTemplateOptions(defaults);
  // Leaving the loop early ends the rows that are under way, as the caller's signal does.
  const end = new CallEnd(core, CALL, defaults.signal);
  const signal = end.requests;
  const options = { ...defaults, signal };
  const grammar = grammarForRows(options);

  const documents = new RowDocuments(howToRead, CALL);

  const job = async (row: TRow, index: number): Promise<AnnotateResult<TRow>> => {
    try {
      const asked = parse(annotateRowSchema, row, nameOf(index));
      const pages = asked.document === undefined ? undefined : await documents.pages(asked, nameOf(index), signal);
      const result = await answer(core, { row: asked, pages: pages ?? [] }, index, options, grammar);
      const facts = pages?.map(({ image: _, ...each }) => each);
      return { ...succeeded(row, index, result), ...(facts === undefined ? {} : { pages: facts }) };
    } catch (error) {
      const failure = error as MedInferError; // answer() rejects with nothing else
      if (signal.aborted || failure.code === "CLOSED") throw failure;
      if (onError === "throw") throw inRow(index, failure);
      return failed(row, index, failure);
    }
  };
  try {
    yield* orderedPool(rows, job, { concurrency, window: concurrency * WINDOW, end: end.wait });
  } catch (error) {
    end.throwIfAborted();
    throw error;
  } finally {
    end.finish();
    await documents.close();
  }
}

/** What a chat template alone can use must not be lost in silence without one. */
function checkTemplateOptions({ useChatTemplate, systemPrompt = "", ...options }: Defaults): void {
  if (useChatTemplate) return;
  if (systemPrompt !== "") throw lostWithoutTemplate(CALL, "systemPrompt");
  refuseTemplateOptions(CALL, options);
}

/** The grammar of all rows, made once. One that cannot be made fails each row, and not the iteration. */
function grammarForRows(options: Defaults): () => string {
  try {
    const grammar = grammarOf(options, CALL);
    return () => grammar;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function isIterable(rows: unknown): boolean {
  if (typeof rows !== "object" || rows === null) return false;
  return Symbol.asyncIterator in rows || Symbol.iterator in rows;
}

/** @throws MedInferError (rejects) and nothing else */
async function answer(
  core: EngineCore,
  asked: RowToAnswer,
  index: number,
  options: Defaults,
  grammar: () => string,
): Promise<GenerationResult> {
  for (;;) {
    try {
      const prepare = () => prepareChat(core, CALL, chatOf(asked, index, options), grammar());
      return await start(core, prepare).result;
    } catch (error) {
      const full = error instanceof MedInferError && error.code === "QUEUE_FULL";
      if (!full || options.signal?.aborted === true) throw error;
      await pause(QUEUE_RETRY_MS, options.signal);
    }
  }
}

/** The chat that a row is. */
function chatOf(
  { row, pages }: RowToAnswer,
  index: number,
  { prompt: defaultPrompt, systemPrompt, ...options }: Defaults,
): ResolvedChatOptions {
  const prompt = row.prompt ?? defaultPrompt;
  if (prompt === undefined) {
    throw argumentError(nameOf(index), "prompt", "is missing, in the row and in the options");
  }
  const images = [...pages.map((page) => page.image), ...(row.image === undefined ? [] : [row.image]), ...row.images];
  const user = { role: "user", content: imagesFirst(images, prompt) };
  const system = systemPrompt ?? (options.useChatTemplate ? "You are a helpful assistant." : "");
  const messages = system === "" ? [user] : [{ role: "system", content: system }, user];
  return { ...options, messages, images: [], continueFinalMessage: false, onContextFull: "stop", n: 1 };
}

/** A row, as messages name it. */
function nameOf(index: number): string {
  return `${CALL}: rows[${index}]`;
}

/** The error with the name of its row, unless it names that or the call, whose options are to blame then. */
function inRow(index: number, error: MedInferError): MedInferError {
  const { code, retryable, issues } = error;
  if (error.message.startsWith(`${CALL}: `)) return error;
  return new MedInferError(code, `${nameOf(index)}: ${error.message}`, {
    retryable,
    issues: [...issues],
    cause: error,
  });
}

function succeeded<TRow extends AnnotateRow>(
  row: TRow,
  index: number,
  {
    text,
    reasoning,
    toolCalls,
    parsed,
    finishReason,
    usage,
    timings,
    images,
    promptLogprobs,
    logprobs,
  }: GenerationResult,
): AnnotateResult<TRow> {
  const answer = { text, reasoning, toolCalls, parsed, error: undefined, metadata: {}, finishReason, usage, timings };
  const ofPrompt = {
    ...(images === undefined ? {} : { images }),
    ...(promptLogprobs === undefined ? {} : { promptLogprobs }),
  };
  return { row, index, ...answer, ...ofPrompt, ...(logprobs === undefined ? {} : { logprobs }) };
}

function failed<TRow extends AnnotateRow>(row: TRow, index: number, error: MedInferError): AnnotateResult<TRow> {
  return {
    row,
    index,
    text: "",
    reasoning: "",
    toolCalls: [],
    parsed: undefined,
    error,
    metadata: { llamacpp_exception: error.message },
    finishReason: undefined,
    usage: undefined,
    timings: undefined,
  };
}
