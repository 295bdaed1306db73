/** Generated texts, stops and ways to cut a text. The alphabet is small, so that stops overlap and nearly match. */
import fc from "fast-check";

/** Of one, two, three and four bytes in UTF-8; of one and two units in UTF-16; letters, a space and a line break. */
const characters = ["a", "b", "B", "é", "€", "😀", "😁", " ", "\n"];
const character = fc.constantFrom(...characters);
const atom = fc.oneof(
  { arbitrary: character, weight: 6 },
  {
    arbitrary: fc.constantFrom(".", "\\w", "\\W", "\\s", "[^a]", "[ab]", "[b-é]", "[😀é]", "\\u20ac", "\\d"),
    weight: 2,
  },
);
const place = fc.constantFrom("^", "$", "\\b", "\\B");
const quantifier = fc.constantFrom("*", "+", "?", "{2}", "{1,2}", "{0,2}", "{2,}", "*?", "+?", "??", "{0}");

const { pattern } = fc.letrec<{ pattern: string; branch: string; item: string }>((tie) => ({
  pattern: fc.array(tie("branch"), { minLength: 1, maxLength: 3 }).map((branches) => branches.join("|")),
  branch: fc.array(tie("item"), { maxLength: 4 }).map((items) => items.join("")),
  item: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    { arbitrary: atom, weight: 5 },
    { arbitrary: fc.tuple(atom, quantifier).map(([of, times]) => `(?:${of})${times}`), weight: 2 },
    { arbitrary: place, weight: 1 },
    {
      arbitrary: fc
        .tuple(fc.constantFrom("(", "(?:", "(?<x>"), tie("pattern"), fc.option(quantifier, { nil: "" }))
        .map(([open, body, times]) => `${open}${body})${times}`),
      weight: 2,
    },
  ),
}));

export const textCase = fc.array(character, { maxLength: 12 }).map((all) => all.join(""));
export const stopString = fc.array(character, { minLength: 1, maxLength: 4 }).map((all) => all.join(""));

/** A regular expression that JavaScript takes; it may still match the empty text. */
export const regexCase = fc
  .tuple(pattern, fc.constantFrom("", "i", "m", "s", "u", "iu", "mu", "su", "imsu", "v", "iv"))
  .map(([source, flags]) => {
    try {
      return new RegExp(source, flags);
    } catch {
      return undefined; // e.g. two groups of the same name
    }
  })
  .filter((regex) => regex !== undefined);

/** All ways to cut a text in two, one unit at a time, and in one piece. */
export function cuts(text: string): string[][] {
  const inTwo = Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)]);
  return [[text], text.split(""), ...inTwo];
}
