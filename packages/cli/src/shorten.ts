/** Most characters of a name, a path or a value where there is not to be more than a line of it. */
const MOST_SHOWN = 90;

/** The beginning of a text on one line, and "…" in place of the rest. */
export function shorten(text: string, most = MOST_SHOWN): string {
  return text.length <= most ? onOneLine(text) : `${onOneLine(text.slice(0, most))}…`;
}

/** The end of a path, where the file's name stands. */
export function shortenPath(path: string): string {
  return path.length <= MOST_SHOWN ? onOneLine(path) : `…${onOneLine(path.slice(-MOST_SHOWN))}`;
}

/** Without line breaks and what else acts on a terminal or turns the direction of writing. */
export function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, " ");
}
