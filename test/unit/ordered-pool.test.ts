import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { orderedPool } from "../../lib/annotate/ordered-pool.js";
import { collect, rejection, settle } from "./support/collect.js";

const limits = { concurrency: 2, window: 4 };
const turns = async (n: number) => {
  for (let i = 0; i < n; i++) await settle();
};

/** A source that counts what was taken from it, and whether it was closed. */
function counted(n: number) {
  const seen = { taken: 0, closed: false };
  async function* source() {
    try {
      for (let i = 0; i < n; i++) {
        seen.taken++;
        yield i;
      }
    } finally {
      seen.closed = true;
    }
  }
  return { seen, source: source() };
}

describe("orderedPool", () => {
  it("gives results in order, within both limits, for any durations", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(5), { maxLength: 20 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 5 }),
        fc.boolean(),
        async (durations, concurrency, extra, slowReader) => {
          let running = 0;
          let most = 0;
          let started = 0;
          let taken = 0;
          const results: number[] = [];
          const pool = orderedPool(
            durations,
            async (duration, index) => {
              started++;
              most = Math.max(most, ++running);
              await turns(duration);
              running--;
              return index;
            },
            { concurrency, window: concurrency + extra },
          );
          for await (const result of pool) {
            results.push(result);
            if (slowReader) await turns(2);
            expect(started - taken).toBeLessThanOrEqual(concurrency + extra + 1);
            taken++;
          }
          expect(results).toEqual(durations.map((_, i) => i));
          expect(most).toBeLessThanOrEqual(concurrency);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("does not let a slow first job hold up the others", async () => {
    let release!: () => void;
    const slow = new Promise<void>((resolve) => (release = resolve));
    const ended: number[] = [];
    const pool = collect(
      orderedPool(
        [0, 1, 2, 3, 4],
        async (i) => {
          if (i === 0) await slow;
          ended.push(i);
          return i;
        },
        limits,
      ),
    );
    await turns(10);
    expect(ended).toEqual([1, 2, 3]); // the window is full
    release();
    expect(await pool).toEqual([0, 1, 2, 3, 4]);
  });

  it("takes no more than fits while nobody reads", async () => {
    const { seen, source } = counted(100);
    const pool = orderedPool(source, async (i) => i, limits);
    await pool.next();
    await turns(20);
    expect(seen.taken).toBeLessThanOrEqual(limits.window + 1);
    await pool.return();
    expect(seen.closed).toBe(true);
  });

  it("throws what the source throws, after the results before it", async () => {
    async function* source() {
      yield 1;
      await settle();
      throw new Error("source");
    }
    const seen: number[] = [];
    const error = await rejection(
      (async () => {
        for await (const value of orderedPool(source(), async (i) => i, limits)) seen.push(value);
      })(),
    );
    expect(error.message).toBe("source");
    expect(seen).toEqual([1]);
  });

  it("throws what a job throws, in its place, and closes the source", async () => {
    const { seen, source } = counted(100);
    const results: number[] = [];
    const error = await rejection(
      (async () => {
        const job = async (i: number) => {
          if (i === 2) throw new Error("job");
          return i;
        };
        for await (const value of orderedPool(source, job, limits)) results.push(value);
      })(),
    );
    expect(error.message).toBe("job");
    expect(results).toEqual([0, 1]);
    expect(seen.closed).toBe(true);
  });

  it("throws what the source says to being closed, unless something else has ended it", async () => {
    const source = () => ({
      [Symbol.iterator]: () => ({
        next: () => ({ done: false, value: 1 }),
        return: () => {
          throw new Error("closing");
        },
      }),
    });
    const pool = orderedPool<number, number>(source(), async (i) => i, limits);
    await pool.next();
    expect((await rejection(pool.return())).message).toBe("closing");
    const failing = orderedPool<number, number>(source(), () => Promise.reject(new Error("job")), limits);
    expect((await rejection(failing.next())).message).toBe("job");
    expect((await failing.next()).done).toBe(true);
  });

  it("can be left while the source is busy", async () => {
    async function* source() {
      yield 1;
      await new Promise(() => {}); // never
    }
    for await (const value of orderedPool(source(), async (i) => i, limits)) {
      expect(value).toBe(1);
      break;
    }
  });

  it("takes synchronous iterables, and none", async () => {
    expect(await collect(orderedPool(new Set(["a", "b"]), async (x) => x, limits))).toEqual(["a", "b"]);
    expect(await collect(orderedPool([], async (x) => x, limits))).toEqual([]);
  });
});
