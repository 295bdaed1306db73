import { ModelLoadError } from "../models/model-load-error.js";
import { problemOf } from "./engine-problem.js";
import { Problem } from "./problem.js";
import type { Route } from "./route.js";
import { withoutTexts } from "./scrub.js";
import { asSent } from "./sent-names.js";

/**
 * What a failure is told as: without anything that the request said, and in the names that it used.
 *
 * @param sent the request's body, as far as it was read
 * @param words of the API itself, which may be quoted
 */
export function toldProblem(
  error: unknown,
  { sent, route, words }: { sent: unknown; route: Route; words: ReadonlySet<string> },
): Problem {
  const whole = problemOf(error);
  // It names the model as the configuration does, and holds nothing of the request: of a busy one it tells the library's words.
  if (error instanceof ModelLoadError && whole.status === 500) return whole;
  const problem = withoutTexts(whole, sent, words);
  // The server's own have its names already.
  return error instanceof Problem ? problem : asSent(problem, sent, route.sentNames);
}
