import type { Answer, OnPiece } from "../answer.js";
import type { Settings } from "../flags/settings.js";

/** What is said next. */
export interface Turn {
  text: string;
  /** Files. */
  images: readonly string[];
  settings: Settings;
}

/** A conversation with a model, one turn after another. */
export interface Conversation {
  /** What answers, in a few words. */
  readonly name: string;
  /** Turns that were said and answered. */
  readonly turns: number;
  /**
   * Says something and answers it. A turn that fails or is aborted has not been said.
   *
   * @throws MedInferError or ServerError (rejects)
   */
  say(turn: Turn, onPiece: OnPiece, signal: AbortSignal): Promise<Answer>;
  /** Forgets all that was said, and begins with another system message; undefined: none. */
  begin(system: string | undefined): void;
  /** Writes all that was said to a file that nobody but its owner may read. */
  save(file: string): Promise<void>;
  /** Goes on with a conversation that was saved. */
  load(file: string): Promise<void>;
  close(): Promise<void>;
}
