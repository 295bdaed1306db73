/**
 * A request that cannot be answered, as its sender is told. Messages say what to do; none quotes what was sent, which may be
 * a patient's.
 */
export interface ProblemOptions {
  /** Where in the request, e.g. `"messages[0].content"`. */
  param?: string;
  headers?: Readonly<Record<string, string>>;
  /** Numbers beside the message, for programs, e.g. `n_ctx`. */
  figures?: Readonly<Record<string, number>>;
}

/** OpenAI's error object: its clients read all four, and `code` is a string or null. */
export interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string | null };
}

export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  /** A word for programs, which stays the same over versions. */
  readonly code: string;
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly figures: Readonly<Record<string, number>>;

  /** @param message what is wrong, and what to do */
  constructor(
    status: number,
    code: string,
    message: string,
    { param, headers = {}, figures = {} }: ProblemOptions = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param ?? null;
    this.headers = headers;
    this.figures = figures;
  }

  /** OpenAI's word for the kind of error. */
  get type(): string {
    if (this.status >= 500) return "server_error";
    return types[this.status] ?? "invalid_request_error";
  }

  get body(): ErrorBody {
    return { error: { message: this.message, type: this.type, param: this.param, code: this.code, ...this.figures } };
  }
}

const types: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  429: "rate_limit_error",
};

/** The word for requests that their sender took back, in metrics and logs. */
export const CANCELLED = "cancelled";

/** What the requests of a batch end with that run when it is cancelled: for logs alone, as nobody reads it. */
export function cancelledProblem(): Problem {
  return new Problem(499, CANCELLED, "the batch was cancelled");
}

/** What requests get that come, or still run, when the server ends. */
export function endingProblem(): Problem {
  return new Problem(503, "server_ending", "the server is ending: ask again in a few seconds", {
    headers: { "retry-after": "5", connection: "close" },
  });
}
