import { once } from "node:events";
import process from "node:process";
import type { Piece } from "../answer.js";
import { faint } from "./colours.js";

/** Shows an answer while it comes. To a pipe goes its text, unchanged; at a terminal also the reasoning, faint. */
export class AnswerWriter {
  readonly #out = process.stdout;
  #last: Piece["type"] | undefined;
  #lineIsOpen = false;
  #begun = false;

  /** Resolves when the reader has room for more. */
  readonly write = async ({ type, text }: Piece): Promise<void> => {
    if (!this.#out.isTTY) {
      if (type === "text") await this.#put(text);
      return;
    }
    // A model's text is not to move the cursor, or to name the window.
    let shown = text.replace(/[^\P{Cc}\n\t]/gu, "");
    if (type !== this.#last && this.#last !== undefined) await this.#endLine();
    if (type !== this.#last || !this.#begun) shown = shown.trimStart();
    this.#begun ||= shown !== "";
    this.#last = type;
    if (shown === "") return;
    this.#lineIsOpen = !shown.endsWith("\n");
    await this.#put(type === "reasoning" ? faint(shown, this.#out) : shown);
  };

  /** Ends the answer's last line: at a terminal, and where several answers follow each other. */
  async end({ always = false } = {}): Promise<void> {
    if (this.#out.isTTY) await this.#endLine();
    else if (always) await this.#put("\n");
    this.#last = undefined;
    this.#begun = false;
  }

  async #endLine(): Promise<void> {
    if (this.#lineIsOpen) await this.#put("\n");
    this.#lineIsOpen = false;
  }

  async #put(text: string): Promise<void> {
    if (!this.#out.write(text)) await once(this.#out, "drain");
  }
}
