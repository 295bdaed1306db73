import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Memo } from "../../lib/memo.js";

describe("a memo", () => {
  it("keeps what was asked for latest, and makes the rest again", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.nat(8)), (most, keys) => {
        const memo = new Memo<string | undefined>(most);
        const latest: number[] = [];
        for (const key of keys) {
          let made = false;
          const value = memo.get(String(key), () => {
            made = true;
            return key === 0 ? undefined : `made of ${key}`;
          });
          expect(value).toBe(key === 0 ? undefined : `made of ${key}`);
          expect(made).toBe(!latest.includes(key));
          latest.splice(0, latest.length, key, ...latest.filter((other) => other !== key).slice(0, most - 1));
        }
      }),
    );
  });

  it("keeps nothing of what failed", () => {
    const memo = new Memo<number>(2);
    const failure = new Error("refused");
    expect(() =>
      memo.get("a", () => {
        throw failure;
      }),
    ).toThrow(failure);
    expect(memo.get("a", () => 1)).toBe(1);
    expect(memo.get("a", () => 2)).toBe(1);
  });
});
