import fc from "fast-check";
import { expect, it } from "vitest";
import { splitAtMarks } from "../../lib/chat/split-at-marks.js";

it("cuts a text as an expression made for its nonce would", () => {
  const nonce = "n1";
  const piece = fc.constantFrom("n1", "n", "1", "x", "7x", "n1x0x", "n1x12x3x", "a", " ", "x12x");
  const tails = [/^x(\d+)x/, /^x(\d+)x(\d+)x/];
  fc.assert(
    fc.property(fc.array(piece), fc.constantFrom(...tails), (pieces, tail) => {
      const text = pieces.join("");
      const expression = new RegExp(nonce + tail.source.slice(1));
      expect(splitAtMarks(text, nonce, tail)).toEqual(text.split(expression));
    }),
  );
});
