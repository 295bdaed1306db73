import type { PromptPiece } from "../chat/markers.js";

/** A prompt whose images are not loaded yet. */
export interface RenderedPrompt {
  pieces: PromptPiece[];
  addSpecial: boolean;
  /** Those that the chat template adds. */
  stopStrings: readonly string[];
  /** With continueFinalMessage: the text with which the prompt ends; what is generated continues it. */
  prefill?: string | undefined;
}
