/** Texts as Python sees them: made of code points, with Python's white space and letter cases. */

const surrogate = /[\ud800-\udfff]/;

/** Whether code units and code points of a text are the same. */
const isPlain = (text: string) => !surrogate.test(text);

/** Length in code points. */
export function length(text: string): number {
  if (isPlain(text)) return text.length;
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

/** The code points of a text, or the text itself where each is one unit: both have a length, an index and slice(). */
export function characters(text: string): string | string[] {
  return isPlain(text) ? text : Array.from(text);
}

/** A part of {@link characters} as a text. */
export function toText(part: string | string[]): string {
  return typeof part === "string" ? part : part.join("");
}

/** How many code points of a text stand before a code unit. */
export function codePointIndex(text: string, unit: number): number {
  return unit <= 0 ? unit : length(text.slice(0, unit));
}

/** str.isspace(): not what JavaScript's `\s` has. */
export const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const space = new RegExp(`^[${SPACE}]$`);

export const isSpace = (character: string) => space.test(character);

/** strip(), lstrip() and rstrip(). Without `chars`: white space. */
export function strip(text: string, chars: string | null, sides: "both" | "left" | "right"): string {
  const set = chars === null ? undefined : new Set(chars);
  const drops = (character: string) => (set === undefined ? isSpace(character) : set.has(character));
  let from = 0;
  let to = text.length;
  if (sides !== "right") {
    while (from < to) {
      const character = String.fromCodePoint(text.codePointAt(from)!);
      if (!drops(character)) break;
      from += character.length;
    }
  }
  if (sides !== "left") {
    while (to > from) {
      const low = to - 2 >= from && /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(to - 2, to)) ? 2 : 1;
      if (!drops(text.slice(to - low, to))) break;
      to -= low;
    }
  }
  return text.slice(from, to);
}

/** str.splitlines() */
export function splitLines(text: string, keepEnds = false): string[] {
  const lines: string[] = [];
  const ending = /\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/g;
  let from = 0;
  for (const match of text.matchAll(ending)) {
    const end = match.index + match[0].length;
    lines.push(text.slice(from, keepEnds ? end : match.index));
    from = end;
  }
  if (from < text.length) lines.push(text.slice(from));
  return lines;
}

/** Characters whose titlecase is not their uppercase with all but the first letter lowered. */
const titles: Readonly<Record<string, string>> = Object.fromEntries([
  ...["Ǆǅǆ", "Ǉǈǉ", "Ǌǋǌ", "Ǳǲǳ"].flatMap((three) => Array.from(three, (c) => [c, three[1]!] as const)),
]);

/** The titlecase of one character. */
export function titleCase(character: string): string {
  const known = titles[character];
  if (known !== undefined) return known;
  const code = character.codePointAt(0)!;
  // Georgian has capitals for whole words alone; Greek letters with an iota below have capitals of their own.
  if ((code >= 0x10d0 && code <= 0x10fa) || (code >= 0x10fd && code <= 0x10ff)) return character;
  if (code >= 0x1f80 && code <= 0x1faf) return String.fromCodePoint(code | 8);
  if (code === 0x1fb3 || code === 0x1fc3 || code === 0x1ff3) return String.fromCodePoint(code + 9);
  if (code === 0x1fbc || code === 0x1fcc || code === 0x1ffc || (code >= 0x1f88 && code <= 0x1faf)) return character;
  const [first, ...rest] = Array.from(character.toUpperCase());
  return first! + rest.join("").toLowerCase();
}

/** str.capitalize() */
export function capitalize(text: string): string {
  if (text === "") return text;
  const first = String.fromCodePoint(text.codePointAt(0)!);
  // The rest is lowered with what stands before it: a final sigma depends on that.
  return titleCase(first) + text.toLowerCase().slice(first.toLowerCase().length);
}
