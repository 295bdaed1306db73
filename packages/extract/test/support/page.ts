/** Pages with a text layer, drawn as a monospaced page would have it. */
import type { EvidencePage, Word } from "../../src/index.js";

/** Width and height of a character, in points, and the distance of lines. */
export const [WIDTH, HEIGHT, LINE] = [6, 10, 14];

/** A page whose words stand where the lines have them; two or more blanks are room between columns. */
export function page(lines: readonly string[], number = 1): EvidencePage {
  const words: Word[] = [];
  for (const [row, line] of lines.entries()) {
    for (const match of line.matchAll(/\S+/g))
      words.push({ text: match[0], box: box(row, match.index, match[0].length) });
  }
  return { number, text: { text: lines.join("\n"), words } };
}

/** Of some characters of a line. */
export function box(row: number, column: number, length: number) {
  return { x: column * WIDTH, y: row * LINE, width: length * WIDTH, height: HEIGHT };
}
