/** Which turns a conversation loses where the context has no room for all of them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitContext } from "../../lib/requests/fit-context.js";
import type { RenderedPrompt } from "../../lib/requests/rendered-prompt.js";
import { Turns } from "../../lib/requests/turns.js";
import { rejection } from "./support/collect.js";

const say = (...roles: string[]) => roles.map((role, i) => ({ role, content: String(i) }));
const left = (turns: Turns, dropped: number) =>
  turns
    .without(dropped)
    .map(({ content }) => content)
    .join("");

describe("the turns of a conversation", () => {
  it.each([
    ["system user assistant user assistant user", 3, ["012345", "0345", "05"]],
    ["user", 1, ["0", ""]],
    ["assistant user assistant user", 3, ["0123", "123", "3"]],
    ["user user assistant assistant user", 2, ["01234", "4", ""]],
    ["user assistant tool tool assistant user assistant", 2, ["0123456", "56"]],
    ["user system user assistant developer user", 2, ["012345", "145"]],
    ["system system", 0, ["01", "01"]],
    ["user assistant system user assistant user system", 3, ["0123456", "23456", "256"]],
  ])("%s", (roles, count, dropped) => {
    const turns = new Turns(say(...roles.split(" ")), ["user"]);
    expect(turns.count).toBe(count);
    dropped.forEach((expected, n) => expect(left(turns, n)).toBe(expected));
  });

  it("begin with the roles that ask", () => {
    const turns = new Turns(say("system", "question", "answer", "question"), ["question", "user"]);
    expect(turns.count).toBe(2);
    expect(left(turns, 1)).toBe("03");
  });
});

/** A system message and turns of so many tokens each, fitted. */
async function fit(system: number, turns: readonly number[], context: number, nPredict = -1) {
  let counts = 0;
  const sizes = new Map<RenderedPrompt, number>();
  const render = (dropped: number): RenderedPrompt => {
    const prompt = { pieces: [], addSpecial: true, stopStrings: [] };
    sizes.set(
      prompt,
      turns.slice(dropped).reduce((sum, size) => sum + size, system),
    );
    return prompt;
  };
  const count = (prompt: RenderedPrompt) => {
    counts++;
    return Promise.resolve(sizes.get(prompt)!);
  };
  const fitted = await fitContext({ droppable: turns.length - 1, render }, { context, nPredict }, count);
  return { dropped: fitted.droppedTurns, tokens: sizes.get(fitted.prompt)!, counts };
}

const conversation = fc.record({
  system: fc.integer({ min: 0, max: 200 }),
  turns: fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 60 }),
  context: fc.integer({ min: 600, max: 4000 }),
  nPredict: fc.integer({ min: -1, max: 2000 }),
});

describe("fitting a conversation into a context", () => {
  it("leaves it whole where it fits with its answer", async () => {
    expect(await fit(10, [100, 100], 1000)).toEqual({ dropped: 0, tokens: 210, counts: 1 });
    expect((await fit(0, [375, 375], 1000)).dropped).toBe(0);
    expect((await fit(0, [375, 376], 1000)).dropped).toBe(1);
    expect((await fit(0, [375, 524], 1000, 100)).dropped).toBe(0);
    expect((await fit(0, [375, 526], 1000, 100)).dropped).toBe(1);
    expect((await fit(0, [375, 375], 1000, 5000)).dropped).toBe(0);
    expect((await fit(0, [500, 499], 1000, 0)).dropped).toBe(0);
  });

  it("always finds one that fits, with room for the answer unless the latest turn takes it", async () => {
    await fc.assert(
      fc.asyncProperty(conversation, async ({ system, turns, context, nPredict }) => {
        const { dropped, tokens, counts } = await fit(system, turns, context, nPredict);
        const block = Math.floor(context / 4);
        const room = nPredict < 0 ? block : Math.min(Math.max(nPredict, 1), block);
        expect(tokens).toBeLessThan(context);
        if (dropped < turns.length - 1) expect(tokens + room).toBeLessThanOrEqual(context);
        // No more than a block and a turn beyond what it takes.
        const gone = turns.slice(0, dropped).reduce((sum, size) => sum + size, 0);
        const over = gone + tokens + room - context;
        if (over <= 0) expect(dropped).toBe(0);
        else expect(gone - (turns[dropped - 1] ?? 0)).toBeLessThan(over + block);
        expect(counts).toBeLessThanOrEqual(2 + Math.ceil(Math.log2(turns.length)));
      }),
      { numRuns: 2000 },
    );
  });

  it("drops the same turns until a quarter of the context more is needed", async () => {
    await fc.assert(
      fc.asyncProperty(conversation, async ({ system, turns, context }) => {
        let before = 0;
        let changes = 0;
        for (let n = 1; n <= turns.length; n++) {
          const { dropped } = await fit(system, turns.slice(0, n), context);
          expect(dropped).toBeGreaterThanOrEqual(before);
          if (dropped > before) changes++;
          before = dropped;
        }
        const said = turns.reduce((sum, size) => sum + size, system);
        expect(changes).toBeLessThanOrEqual(Math.max(0, Math.ceil((said - context / 2) / Math.floor(context / 4))));
      }),
      { numRuns: 300 },
    );
  });

  it("says which turn is too long by itself", async () => {
    expect((await fit(100, [50, 850], 1000)).dropped).toBe(1);
    const error = await rejection(fit(100, [50, 900], 1000));
    expect(error).toMatchObject({ code: "CONTEXT_FULL" });
    expect(error.message).toMatch(/latest turn by itself.* 1000 tokens/);
    expect(await rejection(fit(0, [1000], 1000))).toMatchObject({ code: "CONTEXT_FULL" });
  });
});
