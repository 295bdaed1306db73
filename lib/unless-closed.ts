import { toMedInferError } from "./errors.js";

/**
 * Tells an engine something that has no meaning any more once it is closed: a closed engine has ended every request, and
 * the last events are on the way.
 *
 * @throws MedInferError whatever else went wrong
 */
export function unlessClosed(call: () => void): void {
  try {
    call();
  } catch (error) {
    const typed = toMedInferError(error);
    if (typed.code !== "CLOSED") throw typed;
  }
}
