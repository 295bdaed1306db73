/** Turns of tenants at a model, whatever comes and goes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { FairQueue } from "../src/people/fair-queue.js";

const tenants = ["a", "b", "c", "d"];

/** What happens: a tenant's request comes, the oldest place is given back, or a waiter (one of all) leaves. */
type Step = { come: string } | { done: true } | { abort: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ come: fc.constantFrom(...tenants) }) },
  { weight: 4, arbitrary: fc.constant({ done: true as const }) },
  { weight: 1, arbitrary: fc.record({ abort: fc.nat(50) }) },
);
/** Many at once, and then what happens: so that some wait for long. */
const busyDay = fc
  .tuple(
    fc.array(fc.constantFrom(...tenants), { minLength: 20, maxLength: 100 }),
    fc.array(step, { minLength: 50, maxLength: 200 }),
  )
  .map(([comers, steps]): Step[] => [...comers.map((come) => ({ come })), ...steps]);
const shares = fc.array(fc.constantFrom(0.5, 1, 2, 3), { minLength: tenants.length, maxLength: tenants.length });

interface Waiter {
  tenant: string;
  withdraw: () => void;
}

/** Runs the steps on a queue, and shows every state to `look`. */
function play(
  places: number,
  share: (tenant: string) => number,
  steps: readonly Step[],
  look: (state: { queue: FairQueue; waiting: readonly Waiter[]; granted: readonly string[]; running: number }) => void,
): void {
  const queue = new FairQueue(places, share);
  const waiting: Waiter[] = [];
  const granted: string[] = [];
  let running = 0;
  for (const each of steps) {
    if ("come" in each) {
      const waiter: Waiter = { tenant: each.come, withdraw: () => {} };
      waiting.push(waiter);
      waiter.withdraw = queue.enter(each.come, () => {
        waiting.splice(waiting.indexOf(waiter), 1);
        granted.push(waiter.tenant);
        running += 1;
      });
    } else if ("done" in each) {
      if (running === 0) continue;
      running -= 1;
      queue.leave();
    } else if (waiting.length > 0) {
      const [gone] = waiting.splice(each.abort % waiting.length, 1);
      gone!.withdraw();
    }
    look({ queue, waiting, granted, running });
  }
}

const runs = { numRuns: 200 };

describe("whatever comes, ends and leaves,", () => {
  test("places are neither exceeded nor left free while somebody waits", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        shares,
        fc.array(step, { maxLength: 200 }),
        (places, given, steps) => {
          const share = (tenant: string) => given[tenants.indexOf(tenant)]!;
          play(places, share, steps, ({ queue, waiting, running }) => {
            expect(queue.taken).toBe(running);
            expect(running).toBeLessThanOrEqual(places);
            if (waiting.length > 0) expect(running).toBe(places);
            for (const tenant of tenants) {
              expect(queue.waiting(tenant)).toBe(waiting.filter((each) => each.tenant === tenant).length);
            }
          });
        },
      ),
      runs,
    );
  });

  test("a tenant that waits sees no other get more than its share and one", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), shares, busyDay, (places, given, steps) => {
        const share = (tenant: string) => given[tenants.indexOf(tenant)]!;
        /** Of each pair, what either had since both began to wait. */
        const since = new Map<string, number>();
        play(places, share, steps, ({ queue, granted }) => {
          for (const a of tenants) {
            for (const b of tenants) {
              if (a === b) continue;
              const pair = a + b;
              if (queue.waiting(a) === 0 || queue.waiting(b) === 0) since.delete(pair);
              else if (!since.has(pair)) since.set(pair, granted.length);
              else {
                const part = granted.slice(since.get(pair));
                const had = (tenant: string) => part.filter((each) => each === tenant).length / share(tenant);
                const most = 1 / share(a) + 1 / share(b) + 1e-9;
                if (had(b) - had(a) > most) throw new Error(`${b} had ${had(b)}, and ${a} ${had(a)}`);
              }
            }
          }
        });
      }),
      runs,
    );
  });

  test("each tenant's own requests go in the order they came", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...tenants), { maxLength: 100 }), (comers) => {
        const queue = new FairQueue(1, () => 1);
        const order: [string, number][] = [];
        comers.forEach((tenant, i) => queue.enter(tenant, () => order.push([tenant, i])));
        for (let i = 0; i < comers.length; i++) queue.leave();
        expect(order).toHaveLength(comers.length);
        for (const tenant of tenants) {
          const own = order.filter(([each]) => each === tenant).map(([, i]) => i);
          expect(own).toEqual([...own].sort((a, b) => a - b));
        }
      }),
    );
  });
});

describe("turns", () => {
  /** @returns who is granted places one after the other */
  const order = (comers: string, share: (tenant: string) => number, turns: number) => {
    const queue = new FairQueue(1, share);
    const granted: string[] = [];
    queue.enter("x", () => {});
    for (const tenant of comers) queue.enter(tenant, () => granted.push(tenant));
    for (let i = 0; i < turns; i++) queue.leave();
    return granted.join("");
  };

  test("a flood of one tenant does not delay another by more than a turn", () => {
    expect(order("aaaaaaaaaab", () => 1, 2)).toContain("b");
  });

  test("a share of two gets two of three places", () => {
    const granted = order("a".repeat(60) + "b".repeat(60), (tenant) => (tenant === "a" ? 2 : 1), 60);
    const ofA = granted.replaceAll("b", "").length;
    expect(ofA).toBeGreaterThanOrEqual(39);
    expect(ofA).toBeLessThanOrEqual(41);
  });

  test("who asked for nothing has saved nothing up", () => {
    const queue = new FairQueue(1, () => 1);
    const granted: string[] = [];
    for (let i = 0; i < 50; i++) {
      queue.enter("a", () => {});
      queue.leave();
    }
    queue.enter("x", () => {});
    for (const tenant of "bbbbbbaaaaaa") queue.enter(tenant, () => granted.push(tenant));
    for (let i = 0; i < 8; i++) queue.leave();
    expect(granted.filter((each) => each === "a").length).toBeGreaterThanOrEqual(3);
  });
});
