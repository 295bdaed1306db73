import process from "node:process";
import { types } from "node:util";
import { messagesSchema } from "../chat/schema.js";
import type { ChatMessage, Content, ImageInput, ResolvedMessage } from "../chat/types.js";
import type { EngineCore } from "../core.js";
import { argumentError, MedInferError } from "../errors.js";
import type { Generation, GenerationResult } from "../generation/types.js";
import { runTask } from "../native/task.js";
import { NO_STATE, type StateId } from "../native/types.js";
import { chooseTemplate, imagesFirst, prepareChat } from "../requests/prepare.js";
import { start } from "../requests/start.js";
import { requireTask } from "../require-task.js";
import type { FromSchema, JsonSchema } from "../schema/types.js";
import { noCalls, plainOptions, sessionScoreSchema } from "../score/options.js";
import { runScore } from "../score/score.js";
import type { ScoreResult, SessionScoreOptions } from "../score/types.js";
import { unlessClosed } from "../unless-closed.js";
import { parse } from "../validation/parse.js";
import { filePath } from "./file.js";
import { mapImages, readNote, writeNote, type SessionNote } from "./note.js";
import {
  sessionChatSchema,
  sessionOptionsSchema,
  type SessionChatOptions,
  type SessionOptions,
  type ToolResult,
} from "./options.js";

/** What the engine has kept of a conversation. Apart from the session, which may be collected. */
interface Kept {
  state: StateId;
}

/** Frees what a session holds that was dropped without close(). */
const forgotten = new FinalizationRegistry<{ core: EngineCore; kept: Kept }>(({ core, kept }) => {
  try {
    drop(core, kept.state);
  } catch (error) {
    // There is no caller to throw to.
    process.emitWarning(error as Error);
  }
});

/**
 * A conversation whose every turn reuses what the engine has computed of it. Made by {@link Engine.session}.
 *
 * - It answers as `engine.chat({ messages })` with the whole conversation would, and computes only what is new.
 * - What it holds in the KV pool is given up when running requests need the room, and computed again at the next turn.
 * - Where a template writes earlier turns in another way than they were (without their reasoning, say), what differs is
 *   computed again.
 *
 * @example
 * using session = engine.session({ system: "You are a careful doctor." });
 * console.log((await session.chat("What is gout?").result).text);
 * console.log((await session.chat("How is it treated?").result).text);
 */
export class Session {
  readonly #core: EngineCore;
  readonly #settings: SessionNote["settings"];
  readonly #kept: Kept;
  #messages: ResolvedMessage[];
  #busy = false;
  #closed = false;

  /** @internal */
  constructor(core: EngineCore, { messages, settings }: SessionNote, state: StateId) {
    this.#core = core;
    this.#messages = messages;
    this.#settings = settings;
    this.#kept = { state };
    forgotten.register(this, { core, kept: this.#kept }, this);
  }

  /** The conversation so far. Answers stand in it without white space around them, as templates expect. */
  get messages(): readonly ChatMessage[] {
    return [...this.#messages];
  }

  /**
   * Says something and answers it. Starts at once; see {@link Generation} for how to read it. When it ends well, what was
   * said and the answer are in `messages`; when it fails or is aborted, nothing has been said.
   *
   * One at a time: it fails with `INVALID_ARGUMENT` while another is under way. With `CLOSED`, the session or its engine
   * is closed.
   */
  chat<const S extends JsonSchema = JsonSchema>(
    given: Content | (SessionChatOptions & { jsonSchema?: S }),
  ): Generation<FromSchema<S>> {
    return this.#chat(given) as Generation<FromSchema<S>>;
  }

  /**
   * How likely each of some candidates would be the answer to what is said next; see {@link Engine.score}. The conversation
   * is not computed again, and stays as it is: nothing has been said. At any time, also while a chat is under way, of which
   * it does not know.
   *
   * @throws MedInferError (rejects) as {@link Engine.score}
   */
  score(options: SessionScoreOptions): Promise<ScoreResult> {
    const call = "session.score";
    return runScore(this.#core, () => {
      this.#requireOpen();
      const { content, images, candidates, signal, priority } = parse(sessionScoreSchema, options, call);
      const request = prepareChat(this.#core, call, {
        ...plainOptions,
        ...noCalls,
        ...this.#settings,
        onContextFull: "stop",
        useChatTemplate: true,
        messages: this.#said(call, content, images, []),
        images: [],
        continueFinalMessage: false,
        priority,
        n: 1,
      });
      return { request: { ...request, base: this.#kept.state }, candidates, signal };
    });
  }

  /**
   * A second session with the same conversation, which goes on by itself. What is computed is shared, and none of it is
   * copied. A chat that is under way is not part of it.
   *
   * @throws MedInferError (rejects) `CLOSED`
   */
  // eslint-disable-next-line @typescript-eslint/require-await -- its errors are to come as rejections
  async fork(): Promise<Session> {
    this.#requireOpen();
    const { state } = this.#kept;
    const fork = state === NO_STATE ? NO_STATE : this.#core.native.forkState(state);
    return new Session(this.#core, { messages: [...this.#messages], settings: this.#settings }, fork);
  }

  /**
   * Writes the conversation, and the keys and values that the model has computed of it, to a file that
   * {@link Engine.restoreSession} reads. The file is whole or it is not there, and nobody but its owner may read it: it
   * holds everything that was said, images included. A chat that is under way is not part of it.
   *
   * @throws MedInferError (rejects) `BAD_SESSION` where it cannot be written, `INVALID_ARGUMENT` for a model that keeps a
   * memory of its own (`stats().kv.paged` is false), or `CLOSED`
   */
  async save(path: string | URL): Promise<void> {
    this.#requireOpen();
    const file = filePath("session.save", path);
    const note = writeNote({ messages: this.#messages, settings: this.#settings });
    await runTask(this.#core, "saved", (native) => native.saveState(this.#kept.state, file, note));
  }

  /** Frees what the session holds. A chat that is under way goes on. A second call does nothing. */
  close(): void {
    this.#closed = true;
    const { state } = this.#kept;
    this.#kept.state = NO_STATE;
    forgotten.unregister(this);
    drop(this.#core, state);
  }

  /** The same as close(), for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #chat(given: Content | SessionChatOptions): Generation {
    const call = "session.chat";
    const taken = { turn: undefined as ResolvedMessage[] | undefined };
    return start(
      this.#core,
      () => {
        this.#requireOpen();
        if (this.#busy) {
          throw argumentError(call, "", "answers one at a time: await the answer before, or fork() the session");
        }
        const whole = typeof given === "string" || Array.isArray(given) ? { content: given as Content } : given;
        const { content, images, toolResults, ...options } = parse(sessionChatSchema, whole, call);
        taken.turn = this.#said(call, content, images, toolResults);
        const request = prepareChat(this.#core, call, {
          ...options,
          ...this.#settings,
          onContextFull: options.onContextFull ?? this.#settings.onContextFull,
          useChatTemplate: true,
          messages: taken.turn,
          images: [],
          continueFinalMessage: false,
          n: 1,
        });
        this.#busy = true;
        return { ...request, base: this.#kept.state };
      },
      {
        onImages: (images) => {
          taken.turn = withImages(taken.turn!, images);
        },
        onSettled: (result, state) => {
          if (taken.turn !== undefined) this.#settle(taken.turn, result, state);
        },
      },
    );
  }

  /** The conversation with what is said next. */
  #said(call: string, content: Content | undefined, images: readonly ImageInput[], results: readonly ToolResult[]) {
    if (content === undefined && (results.length === 0 || images.length > 0)) {
      throw argumentError(call, "content", "is needed, unless toolResults stand in its place");
    }
    const turn: ChatMessage[] = [...this.#messages];
    for (const { toolCallId, content: result } of results) {
      turn.push({ role: "tool", toolCallId, content: mapImages(result, copied) });
    }
    if (content !== undefined) {
      const said = images.length === 0 ? content : imagesFirst(images, content);
      turn.push({ role: "user", content: mapImages(said, copied) });
    }
    return parse(messagesSchema, turn, `${call}: the conversation`);
  }

  #settle(turn: ResolvedMessage[], result: GenerationResult | undefined, state: StateId): void {
    this.#busy = false;
    if (result === undefined || this.#closed) {
      drop(this.#core, state);
    } else {
      this.#messages = [...turn, answerMessage(result)];
      const before = this.#kept.state;
      this.#kept.state = state;
      drop(this.#core, before);
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw new MedInferError("CLOSED", "the session is closed: begin a new one");
  }
}

/** An answer as a turn of the conversation. */
function answerMessage({ text, reasoning, toolCalls }: GenerationResult): ResolvedMessage {
  const message = { role: "assistant", content: text.trim() };
  return {
    ...message,
    ...(toolCalls.length === 0 ? {} : { toolCalls: toolCalls.map(({ value: _value, ...call }) => call) }),
    ...(reasoning.trim() === "" ? {} : { reasoning: reasoning.trim() }),
  };
}

/** See Engine.session. */
export function openSession(core: EngineCore, given: SessionOptions): Session {
  const { system, adapters: named, ...others } = parse(sessionOptionsSchema, given, "engine.session");
  requireTask(core, "generate", "engine.session");
  const settings = { ...others, adapters: core.adapters.findAll("engine.session", named) };
  chooseTemplate(core, settings.chatTemplate, "engine.session");
  core.native.stats(); // a closed engine, which has no sessions, throws
  return new Session(
    core,
    { messages: system === undefined ? [] : [{ role: "system", content: system }], settings },
    NO_STATE,
  );
}

/** See Engine.restoreSession. */
export async function restoreSession(core: EngineCore, path: string | URL): Promise<Session> {
  const file = filePath("engine.restoreSession", path);
  requireTask(core, "generate", "engine.restoreSession");
  const { state, note } = await runTask(core, "restored", (native) => native.restoreState(file));
  try {
    return new Session(core, readNote(note, core.adapters.all), state);
  } catch (error) {
    drop(core, state);
    throw error;
  }
}

function drop(core: EngineCore, state: StateId): void {
  if (state !== NO_STATE) unlessClosed(() => core.native.dropState(state));
}

/** Bytes that the caller cannot change. */
function copied(image: unknown): unknown {
  // Not slice(): that of a Buffer shares its memory.
  return types.isUint8Array(image) ? new Uint8Array(image) : image;
}

/** The messages with the bytes of their images, which come in order. */
function withImages(messages: readonly ResolvedMessage[], images: readonly Uint8Array[]): ResolvedMessage[] {
  const left = images.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
  return messages.map((message) => ({
    ...message,
    content: mapImages(message.content, (image) => left.shift() ?? image),
  }));
}
