/** What the server decides of a request, whatever its body says. */
export interface Terms {
  cacheSalt: string;
  signal: AbortSignal;
  /** Most tokens of an answer whose request does not say. */
  defaultMaxTokens: number;
  /** Most milliseconds of an answer. */
  timeLimitMs: number;
}
