import { loadAdapter } from "./adapters/load-adapter.js";
import type { LoraAdapter } from "./adapters/lora-adapter.js";
import type { LoadAdapterOptions } from "./adapters/options.js";
import { annotateRows } from "./annotate/annotate.js";
import type { AnnotateOptions, AnnotateResult, AnnotateRow } from "./annotate/types.js";
import type { RenderedChat, ChatMessage } from "./chat/types.js";
import type { EngineCore } from "./core.js";
import { embed, embedStream } from "./embed/embed.js";
import type { EmbedOptions, RerankOptions } from "./embed/options.js";
import { rerank } from "./embed/rerank.js";
import type { EmbeddedText, EmbedResult, RerankResult } from "./embed/types.js";
import { embedImage, type EmbedImageOptions } from "./embed-image.js";
import type { Generation } from "./generation/types.js";
import type { ImageSource } from "./images/load.js";
import { loadCore } from "./load.js";
import type { EngineStats, ImageEmbedding, ModelInfo } from "./native/model-info.js";
import type { LoadOptions } from "./options/load-options.js";
import type { ChatOptions, CompleteOptions } from "./options/request-options.js";
import { applyTemplate, type ApplyChatTemplateOptions } from "./requests/prepare.js";
import { startChat, startCompletion } from "./requests/start.js";
import type { FromSchema, JsonSchema } from "./schema/types.js";
import { scoreCandidates } from "./score/score.js";
import type { ScoreOptions, ScoreResult } from "./score/types.js";
import type { SessionOptions } from "./session/options.js";
import { openSession, restoreSession, type Session } from "./session/session.js";
import { detokenize, tokenize, type DetokenizeOptions, type TokenizeOptions } from "./tokens.js";

/**
 * A loaded model. Any number of requests may run at once: those that do not fit into the batch wait in a queue.
 *
 * @example
 * const engine = await Engine.load({ model: "llava.gguf" });
 * try {
 *   const { text } = await engine.chat({
 *     messages: [{ role: "user", content: "What is hypertension?" }],
 *   }).result;
 * } finally {
 *   await engine.close();
 * }
 */
export class Engine {
  readonly #core: EngineCore;

  private constructor(core: EngineCore) {
    this.#core = core;
  }

  /**
   * Loads a model, off the event loop. Without a `model`, the tiny one inside the package: a demonstration, not for
   * clinical use.
   *
   * @throws MedInferError (rejects) `INVALID_ARGUMENT`, `MODEL_NOT_FOUND`, `BAD_GGUF`, `BAD_MMPROJ`, `BAD_LORA`, `WRONG_TASK`,
   * `OUT_OF_MEMORY` or `ABORTED`
   */
  static async load(options: LoadOptions = {}): Promise<Engine> {
    return new Engine(await loadCore(options));
  }

  /** What the loaded files say about themselves. Stays readable after close(). */
  get info(): Readonly<ModelInfo> {
    return this.#core.info;
  }

  /**
   * Answers a conversation. Starts at once; see {@link Generation} for how to read it.
   *
   * Texts in the messages never act as control tokens, whatever they spell; images stand where the content has them.
   *
   * With a `jsonSchema`, the result's `parsed` has the type that the schema describes.
   */
  chat<const S extends JsonSchema = JsonSchema>(options: ChatOptions & { jsonSchema?: S }): Generation<FromSchema<S>> {
    return startChat(this.#core, options) as Generation<FromSchema<S>>;
  }

  /** Continues a text, with no chat template. Starts at once; see {@link Generation} for how to read it. */
  complete<const S extends JsonSchema = JsonSchema>(
    options: CompleteOptions & { jsonSchema?: S },
  ): Generation<FromSchema<S>> {
    return startCompletion(this.#core, options) as Generation<FromSchema<S>>;
  }

  /**
   * How likely each of some candidates comes next: of what would be the answer to a conversation (`messages`), or of what
   * follows a text (`prompt`). Nothing is drawn, so sampling has no part in it: these are the model's own probabilities.
   * The prompt is computed once for all candidates, and candidates of one token cost nothing more.
   *
   * @throws MedInferError (rejects) what a chat fails with, e.g. `INVALID_ARGUMENT`, `CONTEXT_FULL`, `QUEUE_FULL`,
   * `ABORTED` or `CLOSED`
   *
   * @example
   * const { candidates } = await engine.score({ messages, candidates: ["yes", "no"] });
   * const [yes] = candidates.map(({ probability }) => probability);
   */
  score(options: ScoreOptions): Promise<ScoreResult> {
    return scoreCandidates(this.#core, options);
  }

  /**
   * Begins a conversation whose every turn computes only what is new. Any number may be open; who is done with one closes
   * it.
   *
   * @throws MedInferError `INVALID_ARGUMENT` or `CLOSED`
   */
  session(options: SessionOptions = {}): Session {
    return openSession(this.#core, options);
  }

  /**
   * Goes on with a conversation that {@link Session.save} wrote, with the same model, projector and `kv.type`; adapters that it
   * had have to be loaded, under whatever name. Its next
   * turn computes only what is new; as far as the KV pool has no room, the rest. Restore only files that you trust: what
   * they hold is taken for what the model has read, by every request that begins alike and has the session's `cacheSalt`.
   *
   * @throws MedInferError (rejects) `BAD_SESSION`, `INVALID_ARGUMENT`, `OUT_OF_MEMORY` or `CLOSED`
   */
  restoreSession(path: string | URL): Promise<Session> {
    return restoreSession(this.#core, path);
  }

  /**
   * Answers many rows, several at once, and gives the answers in the order of the rows. A row is asked with the system
   * message, then the user's: its images, each followed by a line break, and its prompt.
   *
   * Rows are taken from the source only as fast as they are answered and read, so the source may be endless. Leaving the
   * `for await` early ends the rows that are under way.
   *
   * @throws MedInferError (from the iteration) `INVALID_ARGUMENT`, `ABORTED` or `CLOSED`; with `onError: "throw"` also
   * that of the first row that fails
   *
   * @example
   * for await (const { row, text, error } of engine.annotate(rows, { prompt: "Summarise." })) {
   *   console.log(row.id, error ? error.code : text);
   * }
   */
  annotate<TRow extends AnnotateRow, const S extends JsonSchema = JsonSchema>(
    rows: AsyncIterable<TRow> | Iterable<TRow>,
    options: AnnotateOptions & { jsonSchema?: S } = {},
  ): AsyncIterableIterator<AnnotateResult<TRow, FromSchema<S>>, void> {
    return annotateRows(this.#core, rows, options) as AsyncIterableIterator<AnnotateResult<TRow, FromSchema<S>>, void>;
  }

  /**
   * The embeddings of texts, of an engine with `task: "embed"`. Many texts share a pass, without padding; some hundreds are
   * in the engine at once, however many there are. Nothing in a text acts as a control token. What the model's makers want
   * in front of a text (`"query: "`, an instruction) is the caller's to write.
   *
   * @throws MedInferError (rejects) `WRONG_TASK`, `INVALID_ARGUMENT`, `CONTEXT_FULL` for a text that is too long, `ABORTED`
   * or `CLOSED`
   *
   * @example
   * const engine = await Engine.load({ model: "all-MiniLM-L6-v2.gguf", task: "embed" });
   * const { embeddings } = await engine.embed(["chest pain", "pain in the chest"]);
   */
  embed(texts: string | readonly string[], options: EmbedOptions = {}): Promise<EmbedResult> {
    return embed(this.#core, texts, options);
  }

  /**
   * The same one by one, in the order of the texts, which are taken from the source only as fast as they are read: it may be
   * endless. Leaving the `for await` early ends what is under way.
   *
   * @throws MedInferError (from the iteration) as {@link Engine.embed} does
   */
  embedStream(
    texts: AsyncIterable<string> | Iterable<string>,
    options: EmbedOptions = {},
  ): AsyncIterableIterator<EmbeddedText, void> {
    return embedStream(this.#core, texts, options);
  }

  /**
   * Documents by how well they answer a query, best first, of an engine with `task: "rerank"`.
   *
   * @throws MedInferError (rejects) `WRONG_TASK`, `INVALID_ARGUMENT`, `CONTEXT_FULL` for a document, or a query, that is too
   * long, `ABORTED` or `CLOSED`
   */
  rerank(query: string, documents: readonly string[], options: RerankOptions = {}): Promise<RerankResult> {
    return rerank(this.#core, query, documents, options);
  }

  /**
   * Loads a LoRA adapter of the model from a GGUF file, beside its weights. Requests run on meanwhile; those that name it in
   * their `adapters` have it, others compute as before, and all of them share forward passes.
   *
   * @throws MedInferError (rejects) `WRONG_TASK`, `BAD_LORA`, `MODEL_NOT_FOUND`, `INVALID_ARGUMENT`, `OUT_OF_MEMORY`, `ABORTED` or
   * `CLOSED`
   *
   * @example
   * const adapter = await engine.loadAdapter("radiology-lora.gguf");
   * await engine.chat({ messages, adapters: [{ adapter, scale: 0.8 }] }).result;
   */
  loadAdapter(path: string | URL, options: LoadAdapterOptions = {}): Promise<LoraAdapter> {
    return loadAdapter(this.#core, path, options);
  }

  /** The adapters that are loaded, in the order of their loading. */
  adapters(): LoraAdapter[] {
    return this.#core.adapters.all;
  }

  /**
   * The token ids of a text.
   *
   * @throws MedInferError `INVALID_ARGUMENT` or `CLOSED`
   */
  tokenize(text: string, options: TokenizeOptions = {}): Int32Array {
    return tokenize(this.#core, text, options);
  }

  /**
   * The text of token ids. Bytes that are no whole character become U+FFFD.
   *
   * It is the text that tokenize() read, also where the vocabulary puts a blank in front of a text: ids are taken for a
   * whole text, not for the middle of one. Vocabularies that change a text on its way in (WordPiece and Unigram merge white
   * space, some write it in lower case) give back what they made of it, and SentencePiece reads U+2581 as a blank.
   *
   * @throws MedInferError `INVALID_ARGUMENT` or `CLOSED`
   */
  detokenize(tokens: Int32Array | readonly number[], options: DetokenizeOptions = {}): string {
    return detokenize(this.#core, tokens, options);
  }

  /**
   * The prompt that chat() would send for these messages, for a look at it: an image is written as `<__media__>`, and
   * the BOS token that the vocabulary adds is left out.
   *
   * @throws MedInferError `INVALID_ARGUMENT`
   */
  applyChatTemplate(messages: readonly ChatMessage[], options: ApplyChatTemplateOptions = {}): RenderedChat {
    return applyTemplate(this.#core, messages, options);
  }

  /**
   * What the vision encoder makes of an image: `tokens` rows of `width` floats. For texts there is {@link Engine.embed}.
   *
   * @throws MedInferError (rejects) `WRONG_TASK`, `NO_VISION`, `IMAGE_NOT_FOUND`, `IMAGE_FETCH`, `IMAGE_DECODE`,
   * `IMAGE_TOO_LARGE`, `INVALID_ARGUMENT`, `QUEUE_FULL`, `ABORTED` or `CLOSED`
   */
  embedImage(image: ImageSource, options: EmbedImageOptions = {}): Promise<ImageEmbedding> {
    return embedImage(this.#core, image, options);
  }

  /**
   * Counters of this engine, now.
   *
   * @throws MedInferError `CLOSED`
   */
  stats(): EngineStats {
    return this.#core.native.stats();
  }

  /**
   * Ends all requests with `CLOSED` and frees the model's memory. Resolves when that is done; a second call does
   * nothing more.
   */
  async close(): Promise<void> {
    await this.#core.native.close();
    this.#core.closed.abort();
  }

  /** The same as close(), for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
