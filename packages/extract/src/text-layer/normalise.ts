/**
 * Texts as they are compared: what a layout, a font or a habit of writing changes is taken out, what changes a meaning stays.
 *
 * Unicode's compatibility forms (ligatures, full width, superscripts) are one; so are upper and lower case, kinds of quotes and
 * dashes, and white space is none. A decimal comma is a point, unless exactly three digits follow, which may be thousands. A dash
 * stays between digits and as a sign before one; elsewhere ("follow-up", "follow up") it is taken out. Signs and accents stay.
 */

/** A text as it is compared, and for each of its UTF-16 units the index of the part that it came from. */
export interface Normalised {
  readonly text: string;
  readonly from: readonly number[];
}

const DASH = /[‐‑‒–—―−﹣－-]/u;
const letterOrDigit = /[\p{L}\p{N}]/u;
const digit = /\p{Nd}/u;

/** Parts with white space between them, such as the words of a page. */
export function normalise(parts: readonly string[]): Normalised {
  const characters: string[] = [];
  const from: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (characters.length > 0) {
      characters.push(" ");
      from.push(index);
    }
    for (const character of simplify(part)) {
      characters.push(character);
      from.push(index);
    }
  }
  const kept: string[] = [];
  const keptFrom: number[] = [];
  for (const [i, character] of characters.entries()) {
    const written = character === "," && isDecimal(characters, i) ? "." : character;
    if (written === " " || (written === "-" && !isMeant(characters, i))) continue;
    kept.push(written);
    for (let unit = 0; unit < written.length; unit++) keptFrom.push(from[i]!);
  }
  return { text: kept.join(""), from: keptFrom };
}

/** A text as it is compared. */
export function normaliseText(text: string): string {
  return normalise(text.split(/\s+/u).filter((part) => part !== "")).text;
}

function simplify(part: string): string {
  return part
    .normalize("NFKC")
    .replace(/\u00ad/gu, "") // a soft hyphen, which shows at the end of a line alone
    .replace(/[‘’‚‛′`´]/gu, "'")
    .replace(/[“”„‟″«»]/gu, '"')
    .replace(new RegExp(DASH, "gu"), "-")
    .replace(/\u00b5/gu, "μ")
    .toLowerCase()
    .normalize("NFC");
}

function isDecimal(characters: readonly string[], at: number): boolean {
  if (!digit.test(characters[at - 1] ?? "") || !digit.test(characters[at + 1] ?? "")) return false;
  let digits = 1;
  while (digit.test(characters[at + 1 + digits] ?? "")) digits++;
  return digits !== 3;
}

function isMeant(characters: readonly string[], at: number): boolean {
  const sign = digit.test(characters[at + 1] ?? "") && !letterOrDigit.test(characters[at - 1] ?? "");
  return sign || (digit.test(near(characters, at, -1)) && digit.test(near(characters, at, 1)));
}

/** The next character in a direction that is no space. */
function near(characters: readonly string[], at: number, step: 1 | -1): string {
  let place = at + step;
  while (characters[place] === " ") place += step;
  return characters[place] ?? "";
}
