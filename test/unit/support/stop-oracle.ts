/** What the stop scanner promises, said naively with JavaScript's own search over the whole text. */

export interface Outcome {
  text: string;
  stop: string | undefined;
}

const inside = (text: string, at: number) => /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(at - 1, at + 1));

/** The text before the match that begins first, and the shortest text that matches there. */
export function oneShot(text: string, stops: readonly (RegExp | string)[]): Outcome {
  const regexes = stops.map((stop) =>
    typeof stop === "string"
      ? new RegExp(
          stop.replace(/[^]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`),
          "u",
        )
      : stop,
  );
  const starts = regexes.map((regex) => regex.exec(text)?.index ?? Infinity);
  const start = Math.min(...starts);
  if (start === Infinity) return { text, stop: undefined };
  const ends = regexes.flatMap((regex, i) => (starts[i] === start ? [shortestEnd(text, regex, start)] : []));
  const end = Math.min(...ends);
  const from = inside(text, start) ? start - 1 : start;
  return { text: text.slice(0, from), stop: text.slice(from, inside(text, end) ? end + 1 : end) };
}

/** Where the shortest match at `start` ends: it must leave exactly so many characters behind it. */
function shortestEnd(text: string, { source, flags }: RegExp, start: number): number {
  for (let end = start + 1; end <= text.length; end++) {
    const rest = text.slice(end);
    const left = /[uv]/.test(flags) ? Array.from(rest).length : rest.length;
    const regex = new RegExp(`(?:${source})(?=[\\s\\S]{${left}}(?![\\s\\S]))`, `${flags}y`);
    regex.lastIndex = start;
    const match = regex.exec(text);
    if (match !== null && match.index === start && start + match[0].length === end) return end;
  }
  throw new Error(`/${source}/${flags} does not match at ${start}`);
}
