import { Transform } from "node:stream";
import { Problem } from "../http/problem.js";

/** How much of a tenant's files there may be: what is stored, and what is on its way. */
export class Quota {
  readonly #most: number;
  readonly #arriving = new Map<string, number>();

  /** @param most bytes of one tenant */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * A place for a file: what a file as it comes is led through, and fails in where it goes beyond the quota. What has come
   * counts until `done` is called.
   *
   * @param stored bytes that the tenant has
   * @throws Problem 413 where there is no room at all
   */
  admit(tenant: string, stored: () => number): { counting: Transform; done: () => void } {
    const most = this.#most;
    const used = () => stored() + (this.#arriving.get(tenant) ?? 0);
    const count = (bytes: number) => {
      const left = (this.#arriving.get(tenant) ?? 0) + bytes;
      if (left === 0) this.#arriving.delete(tenant);
      else this.#arriving.set(tenant, left);
    };
    if (used() >= most) throw exceeded(most, used());
    let own = 0;
    const counting = new Transform({
      transform(part: Buffer, _encoding, next) {
        if (used() + part.length > most) return next(exceeded(most, used() - own));
        own += part.length;
        count(part.length);
        next(null, part);
      },
    });
    return { counting, done: () => count(-own) };
  }
}

function exceeded(most: number, used: number): Problem {
  const what = `the files of this tenant would have more than ${most} bytes, the most that this server keeps for one`;
  return new Problem(413, "files_quota_exceeded", `${what}: delete files that are not needed, see GET /v1/files`, {
    param: "file",
    headers: { connection: "close" },
    figures: { bytes_used: used, bytes_quota: most },
  });
}
