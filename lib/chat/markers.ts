/**
 * Carries images and control-token texts through a chat template. A template works on strings, so each of them becomes
 * a marker inside the message's text, and is taken out of the rendered prompt afterwards. A marker holds random bits
 * drawn for this prompt alone, so that no text can contain it by accident or by intent.
 */
import { randomBytes } from "node:crypto";
import type { ImageSource } from "../images/load.js";
import { argumentError } from "../errors.js";
import type { ControlTokens } from "./control-tokens.js";
import type { Content } from "./types.js";

/** A prompt before its images are loaded, in the order in which the model reads it. */
export type PromptPiece = { text: string; parseSpecial: boolean } | { image: ImageSource };

/** The markers of one prompt. */
export class PromptMarkers {
  // Letters and digits only: no template trims or escapes them.
  readonly #nonce = `medinfer${randomBytes(12).toString("hex")}`;
  readonly #pieces: PromptPiece[] = [];

  /** A message's content as one text. */
  flatten(content: Content, control: ControlTokens): string {
    if (typeof content === "string") return this.#flattenText(content, control);
    return content
      .map((part) => (part.type === "text" ? this.#flattenText(part.text, control) : this.#mark({ image: part.image })))
      .join("");
  }

  #flattenText(text: string, control: ControlTokens): string {
    return control.replaceIn(text, (token) => this.#mark({ text: token, parseSpecial: false }));
  }

  #mark(piece: PromptPiece): string {
    this.#pieces.push(piece);
    return `${this.#nonce}x${this.#pieces.length - 1}x`;
  }

  /**
   * The rendered prompt in pieces. Text around the markers is the template's and plain user text: control tokens in it
   * are the template's own.
   *
   * @throws MedInferError `INVALID_ARGUMENT` where the template lost a marker
   */
  split(prompt: string): PromptPiece[] {
    const pieces: PromptPiece[] = [];
    const found = new Set<number>();
    prompt.split(new RegExp(`${this.#nonce}x(\\d+)x`)).forEach((text, i) => {
      // split() puts the captured index at every odd place.
      if (i % 2 === 1) {
        found.add(Number(text));
        pieces.push(this.#pieces[Number(text)]!);
      } else if (text !== "") {
        pieces.push({ text, parseSpecial: true });
      }
    });
    if (found.size !== this.#pieces.length) {
      throw argumentError(
        "chatTemplate",
        "",
        "leaves out a part of a message: its role may be unknown to the template, or it alters message texts",
      );
    }
    return pieces;
  }
}
