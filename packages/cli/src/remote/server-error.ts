/** A medinfer server does not answer, or answers that it cannot. Its messages hold nothing of a request. */
export class ServerError extends Error {
  override readonly name = "ServerError";

  /** @param code the server's, or `SERVER_UNREACHABLE`, `SERVER_ANSWER` */
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
