/** Ends a prompt inside the last message, so that the model continues it. */
import { randomBytes } from "node:crypto";
import { placeError } from "../errors.js";
import type { TemplateTurn } from "./template-turn.js";

/** What a template makes of turns: the prompt. */
type Write = (turns: readonly TemplateTurn[]) => string;

/**
 * The prompt up to the end of the last turn's text. As transformers does it for `continue_final_message`: a mark behind the
 * text shows where it ends. Here the text has to stand there as it is, to the last blank.
 *
 * @param write without a generation prompt
 * @throws MedInferError `INVALID_ARGUMENT` where the template does not write the text as it is, or writes other things for it
 */
export function writePrefilled(name: string, turns: readonly TemplateTurn[], write: Write): string {
  const { content } = turns.at(-1)!;
  // Letters and digits only, as in the marks for control tokens.
  const mark = `continued${randomBytes(12).toString("hex")}x`;
  const marked = write([...turns.slice(0, -1), { ...turns.at(-1)!, content: content + mark }]);
  const end = marked.lastIndexOf(mark);
  const prompt = marked.slice(0, Math.max(end, 0));
  const why = fault(end, prompt, content, () => write(turns));
  if (why === undefined) return prompt;
  throw placeError("messages", `[${turns.length - 1}]`, `cannot be continued: the chat template "${name}" ${why}`);
}

/** Why the prompt is not what it should be; undefined: it is. */
function fault(end: number, prompt: string, content: string, whole: () => string): string | undefined {
  if (end < 0) return "leaves out its text";
  // In a message without text the mark may be all that makes a template write the turn.
  if (content === "") return undefined;
  const isWhole = prompt.endsWith(content) && whole().startsWith(prompt);
  if (isWhole) return undefined;
  const isTrimmed = content !== content.trim() && prompt.endsWith(content.trimStart());
  return isTrimmed
    ? "changes the white space at its ends: take it away"
    : "changes its text, or writes it in another way where it ends there";
}
