/**
 * Carries images and control-token texts through a chat template. A template works on strings, so each of them becomes
 * a marker inside the message's text, and is taken out of the rendered prompt afterwards. A marker holds random bits
 * drawn for this prompt alone, so that no text can contain it by accident or by intent.
 */
import { randomBytes } from "node:crypto";
import type { ImageSource } from "../images/load.js";
import { argumentError } from "../errors.js";
import type { ControlTokens } from "./control-tokens.js";
import { splitAtMarks } from "./split-at-marks.js";
import type { Content, ImagePart, TextPart } from "./types.js";

/** A prompt before its images are loaded, in the order in which the model reads it. */
export type PromptPiece = { text: string; parseSpecial: boolean } | ImagePiece | { tokens: Int32Array };

/** An image of a prompt, and its limits of tokens. */
export interface ImagePiece {
  image: ImageSource;
  minTokens?: number | undefined;
  maxTokens?: number | undefined;
}

/** A part of a content as a piece of a prompt. */
export function imagePiece({ image, minTokens, maxTokens }: ImagePart): ImagePiece {
  return { image, minTokens, maxTokens };
}

const markerTail = /^x(\d+)x/;

/** The markers of one prompt. */
export class PromptMarkers {
  // Letters and digits only: no template trims or escapes them.
  readonly #nonce = `medinfer${randomBytes(12).toString("hex")}`;
  readonly #pieces: PromptPiece[] = [];
  /** Markers that a template may leave out. */
  readonly #optional = new Set<number>();

  /**
   * A message's content as one text.
   *
   * @param edges whether single characters that begin or end a control token are kept from joining one, too
   * @param optional whether the template may leave the text out
   */
  flatten(content: Content, control: ControlTokens, edges = false, optional = false): string {
    const before = this.#pieces.length;
    const text = this.#flatten(content, control, edges);
    if (optional) for (let i = before; i < this.#pieces.length; i++) this.#optional.add(i);
    return text;
  }

  #flatten(content: Content, control: ControlTokens, edges: boolean): string {
    const mark = (text: string) => this.#mark({ text, parseSpecial: false });
    const flattenText = (text: string) => (edges ? control.replaceEdges(text, mark) : control.replaceIn(text, mark));
    if (typeof content === "string") return flattenText(content);
    return joinTexts(content)
      .map((part) => (part.type === "text" ? flattenText(part.text) : this.#mark(imagePiece(part))))
      .join("");
  }

  #mark(piece: PromptPiece): string {
    this.#pieces.push(piece);
    return `${this.#nonce}x${this.#pieces.length - 1}x`;
  }

  /** What a rendered prompt holds around the markers. */
  textsAround(prompt: string): string[] {
    return this.#splitAtMarkers(prompt).filter((_, i) => i % 2 === 0);
  }

  /** Texts at even places, the indices of the markers between them at odd ones. */
  #splitAtMarkers(prompt: string): string[] {
    return splitAtMarks(prompt, this.#nonce, markerTail);
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
    this.#splitAtMarkers(prompt).forEach((text, i) => {
      if (i % 2 === 1) {
        found.add(Number(text));
        pieces.push(this.#pieces[Number(text)]!);
      } else if (text !== "") {
        pieces.push({ text, parseSpecial: true });
      }
    });
    if (this.#pieces.some((_, i) => !found.has(i) && !this.#optional.has(i))) {
      throw argumentError(
        "chatTemplate",
        "",
        "leaves out a part of a message: its role may be unknown to the template, or it alters message texts",
      );
    }
    return pieces;
  }
}

/** Neighbouring texts as one: two of them may spell a control token together. */
export function joinTexts(parts: Exclude<Content, string>): (TextPart | ImagePart)[] {
  const joined: (TextPart | ImagePart)[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.type === "text" && part.text === "") continue;
    if (part.type === "text" && last?.type === "text") {
      joined[joined.length - 1] = { type: "text", text: last.text + part.text };
    } else joined.push(part);
  }
  return joined;
}
