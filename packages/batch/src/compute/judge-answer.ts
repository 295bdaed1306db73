import { BatchError } from "../errors.js";
import { isLoop } from "./repetition.js";

/** Ends by a limit, in the engine's words and in those of OpenAI's API. */
const CUT = new Set(["length", "context", "time", "content_filter"]);

/**
 * Refuses answers that look like successes and are none. JSON that was brought to its shortest end counts as cut: it holds less
 * than was on the page.
 *
 * @throws BatchError `ANSWER_REPEATS` where it repeats itself up to its end, `ANSWER_CUT` where a limit ended it
 */
export function judgeAnswer({ text, finishReason }: { text: string; finishReason: string }): void {
  const isCut = CUT.has(finishReason);
  if (isLoop(text, isCut)) {
    throw new BatchError(
      "ANSWER_REPEATS",
      "the answer repeats itself up to its end: ask with other sampling, or another prompt",
    );
  }
  if (isCut) {
    throw new BatchError("ANSWER_CUT", `the answer is not whole (${finishReason}): allow more tokens, context or time`);
  }
}
