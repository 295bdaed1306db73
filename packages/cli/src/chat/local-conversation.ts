import type { Engine, Session, SessionOptions } from "medinfer";
import { answerOf, type Answer, type OnPiece } from "../answer.js";
import type { Settings } from "../flags/settings.js";
import type { Conversation, Turn } from "./conversation.js";

/** Options that a session has for all of its turns. */
export const ofSessions: readonly string[] = ["chatTemplate", "templateArguments", "reasoningEffort"];

/** With a model that was loaded here: every turn computes only what is new. Owns the engine. */
export class LocalConversation implements Conversation {
  readonly name: string;
  readonly #engine: Engine;
  readonly #options: SessionOptions;
  #session: Session;

  constructor(engine: Engine, system: string | undefined, settings: Settings) {
    const { name, description } = engine.info;
    this.name = name || description;
    this.#engine = engine;
    this.#options = Object.fromEntries(Object.entries(settings).filter(([key]) => ofSessions.includes(key)));
    this.#session = this.#open(system);
  }

  get turns(): number {
    return this.#session.messages.filter((each) => each.role === "user").length;
  }

  say({ text, images, settings }: Turn, onPiece: OnPiece, signal: AbortSignal): Promise<Answer> {
    const ofTurn = Object.fromEntries(Object.entries(settings).filter(([key]) => !ofSessions.includes(key)));
    return answerOf(this.#session.chat({ ...ofTurn, content: text, images, signal }), onPiece);
  }

  begin(system: string | undefined): void {
    const before = this.#session;
    this.#session = this.#open(system);
    before.close();
  }

  save(file: string): Promise<void> {
    return this.#session.save(file);
  }

  async load(file: string): Promise<void> {
    const before = this.#session;
    this.#session = await this.#engine.restoreSession(file);
    before.close();
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  #open(system: string | undefined): Session {
    return this.#engine.session({ ...this.#options, ...(system ? { system } : {}) });
  }
}
