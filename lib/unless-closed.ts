import { toMedInferError } from "./errors.js";

/**
 * Makes a call that has no meaning once the engine is closed, such as a cancellation: a closed engine has ended every
 * request, and the last events are on their way.
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
