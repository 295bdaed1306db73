/** Boxes on a page, and how they lie to one another. */
import type { Box } from "./types.js";

/** The smallest box around all of them. */
export function union(boxes: readonly Box[]): Box {
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const width = Math.max(...boxes.map((box) => box.x + box.width)) - x;
  const height = Math.max(...boxes.map((box) => box.y + box.height)) - y;
  return { x, y, width, height };
}

/** Whether they stand on one line of text: they share half of the lower one's height. */
export function onOneLine(a: Box, b: Box): boolean {
  const shared = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return shared >= Math.min(a.height, b.height) / 2;
}

/** Whether one stands above the other: they share a part of their width. */
export function inOneColumn(a: Box, b: Box): boolean {
  return Math.min(a.x + a.width, b.x + b.width) > Math.max(a.x, b.x);
}

/** Consecutive boxes of one line, each line as the box around them. */
export function linesOf(boxes: readonly Box[]): Box[] {
  const lines: Box[][] = [];
  for (const box of boxes) {
    const last = lines.at(-1)?.at(-1);
    if (last !== undefined && onOneLine(last, box) && box.x >= last.x) lines.at(-1)!.push(box);
    else lines.push([box]);
  }
  return lines.map(union);
}

/** How far apart their middles are, upright. */
export function verticalDistance(a: Box, b: Box): number {
  return Math.abs(a.y + a.height / 2 - (b.y + b.height / 2));
}
