import { Transform } from "node:stream";
import { Problem } from "../http/problem.js";

/** A file's place in a quota. */
export interface QuotaPlace {
  /** What the file is led through as it comes: fails where it goes beyond the quota. */
  readonly counting: Transform;
  /**
   * All of it has come: from now on it counts, until `done` is called.
   *
   * @throws Problem 413 where others were stored meanwhile, and left no room for it
   */
  take(): void;
  /** It is stored, or gone. */
  done(): void;
}

/**
 * How much of a tenant's files there may be. A file that is on its way does not count against others, of which else none
 * might get in: which of them is stored is seen when they have come.
 */
export class Quota {
  readonly #most: number;
  /** Bytes of files that have come, and are being stored. */
  readonly #taken = new Map<string, number>();

  /** @param most bytes of one tenant */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * @param stored bytes that the tenant has
   * @throws Problem 413 where there is no room at all
   */
  admit(tenant: string, stored: () => number): QuotaPlace {
    const most = this.#most;
    const used = () => stored() + (this.#taken.get(tenant) ?? 0);
    const refuseBeyond = (bytes: number) => {
      if (used() + bytes > most) throw exceeded(most, used());
    };
    refuseBeyond(1);
    let own = 0;
    let taken = 0;
    const counting = new Transform({
      transform(part: Buffer, _encoding, next) {
        own += part.length;
        try {
          refuseBeyond(own);
          next(null, part);
        } catch (error) {
          next(error as Problem);
        }
      },
    });
    const count = (bytes: number) => {
      taken += bytes;
      const left = (this.#taken.get(tenant) ?? 0) + bytes;
      if (left === 0) this.#taken.delete(tenant);
      else this.#taken.set(tenant, left);
    };
    return {
      counting,
      take: () => {
        refuseBeyond(own);
        count(own);
      },
      done: () => count(-taken),
    };
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
