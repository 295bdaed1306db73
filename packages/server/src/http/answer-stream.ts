import type { EventSink } from "./event-sink.js";
import { STREAM_PATIENCE_MS } from "./patience.js";
import type { Problem } from "./problem.js";
import type { Call } from "./route.js";

/**
 * Runs what writes a stream. Its headers go out with its first event, or when that takes long. A failure before them is
 * thrown, for a status of its own; behind them it is told in the stream, which then breaks.
 *
 * @param tell tells a failure where the stream is open, and breaks it. Default: OpenAI's error object
 * @throws what `write` throws
 */
export async function withFailure<T>(
  { problemOf }: Pick<Call, "problemOf">,
  stream: EventSink,
  write: () => Promise<T>,
  tell = (problem: Problem) => stream.fail(problem.body),
): Promise<T> {
  const patience = setTimeout(() => stream.open(), STREAM_PATIENCE_MS).unref();
  try {
    return await write();
  } catch (error) {
    if (stream.opened) tell(problemOf(error));
    throw error;
  } finally {
    clearTimeout(patience);
  }
}
