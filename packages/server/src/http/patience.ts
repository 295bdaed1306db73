/** How long an answer's headers wait: until then a failure has a status of its own, and most come at once or with the prompt. */
export const PATIENCE_MS = 10_000;
