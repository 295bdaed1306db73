import { KeptStream } from "./kept-stream.js";
import { Problem } from "./problem.js";

/** Streams that may be resumed, by the ids of their answers. */
export class StreamStore {
  readonly #streams = new Map<string, { owner: string; stream: KeptStream }>();

  /** @param owner the tenant that may come back for it */
  open(id: string, owner: string): KeptStream {
    const stream = new KeptStream(() => this.#streams.delete(id));
    this.#streams.set(id, { owner, stream });
    return stream;
  }

  /** @throws Problem 404, also for one of another tenant */
  find(id: string, owner: string): KeptStream {
    const found = this.#streams.get(id);
    if (found?.owner === owner) return found.stream;
    const what = "there is no such stream: one that nobody reads, or that has ended, is kept for a minute";
    throw new Problem(404, "stream_not_found", what);
  }
}
