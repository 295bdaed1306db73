/** Is told how far a request's generations have come. Called for every token: it must be cheap, and must not throw. */
export interface Watch {
  /** The engine is asked for a generation. */
  onSubmit(): void;
  /** Tokens of a choice are handed to what writes them. */
  onTokens(choice: number): void;
}

/** Nobody is. */
export const unwatched: Watch = { onSubmit: () => undefined, onTokens: () => undefined };
