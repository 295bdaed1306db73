/** Where the values of an answer stand in the pages' text layers. */
import type { LeafNode, Path } from "../answer/json-tree.js";
import { formsOf } from "./forms.js";
import { inOneColumn, onOneLine, verticalDistance } from "./geometry.js";
import { PageWords, type Occurrence } from "./page-words.js";
import type { Box, EvidencePage } from "./types.js";

/** A value to look for. */
export interface Sought {
  readonly leaf: LeafNode;
  /** The value's JSON. */
  readonly literal: string;
  /** What the page may call it: the key's words, and the schema's title. */
  readonly labels: readonly string[];
}

/**
 * Where a value stands. `place` is missing where it stands in several places and nothing says which is meant; `page` is missing
 * besides where these are on several pages.
 */
export interface Found {
  readonly page?: number;
  readonly place?: Occurrence;
}

/** By how much of a line's height the best of several places has to be nearer than the next. */
const CLEARLY_NEARER = 0.5;

/**
 * Looks for each value. Of several places the one is taken that is clearly the nearest to what belongs to it: the other values
 * of the same object of an array (a row), or else its label on the same line before it or above it. Values that are placed help
 * others.
 * @returns for each value in turn; undefined where it stands nowhere
 */
export function locate(sought: readonly Sought[], pages: readonly EvidencePage[]): (Found | undefined)[] {
  const words = pages.map((page) => new PageWords(page));
  const places = sought.map((each) => occurrences(each, words));
  const chosen = places.map((found) => (found.length === 1 ? found[0] : undefined));
  const labels = sought.map((each, i) => (places[i]!.length > 1 ? boxesOfLabels(each, words) : []));
  const rows = new Map<string | undefined, number[]>();
  for (const [i, { leaf }] of sought.entries()) {
    const row = rowOf(leaf.path);
    if (row !== undefined) rows.set(row, [...(rows.get(row) ?? []), i]);
  }
  const open = new Set(places.flatMap((found, i) => (found.length > 1 ? [i] : [])));
  for (let progress = true; progress;) {
    progress = false;
    for (const i of open) {
      const row = rows.get(rowOf(sought[i]!.leaf.path)) ?? [];
      const anchors = row.flatMap((k) => chosen[k] ?? []);
      const place =
        nearest(places[i]!, (one) => toAnchors(one, anchors)) ??
        nearest(places[i]!, (one) => toLabels(one, labels[i]!));
      if (place === undefined) continue;
      chosen[i] = place;
      open.delete(i);
      progress = true;
    }
  }
  return places.map((found, i) => {
    if (found.length === 0) return undefined;
    const place = chosen[i];
    if (place !== undefined) return { page: place.page, place };
    const { page } = found[0]!;
    return found.every((one) => one.page === page) ? { page } : {};
  });
}

function occurrences({ leaf, literal }: Sought, pages: readonly PageWords[]): Occurrence[] {
  const forms = formsOf(leaf.value, literal);
  if (forms === undefined) return [];
  const written = pages.flatMap((page) => page.find(forms.written));
  if (written.length > 0) return written;
  const others = forms.others.flatMap((form) => pages.flatMap((page) => page.find(form)));
  return others.filter((one, i) => others.findIndex((other) => isSame(one, other)) === i);
}

function isSame(a: Occurrence, b: Occurrence): boolean {
  return a.page === b.page && a.box.x === b.box.x && a.box.y === b.box.y && a.box.width === b.box.width;
}

interface LabelBox {
  readonly page: number;
  readonly box: Box;
}

function boxesOfLabels({ labels }: Sought, pages: readonly PageWords[]): LabelBox[] {
  return labels.flatMap((label) =>
    pages.flatMap((page) => page.findLabel(label).map((box) => ({ page: page.number, box }))),
  );
}

/** The object of an array that a value belongs to, if it does. */
function rowOf(path: Path): string | undefined {
  return typeof path.at(-2) === "number" ? JSON.stringify(path.slice(0, -1)) : undefined;
}

/** The place with the least distance, if it is clearly the least. Distances are in heights of the place's line. */
function nearest(places: readonly Occurrence[], distance: (place: Occurrence) => number): Occurrence | undefined {
  const sorted = places.map((place) => ({ place, away: distance(place) })).sort((a, b) => a.away - b.away);
  const [first, second] = sorted;
  if (first === undefined || second === undefined || first.away === Infinity) return undefined;
  return second.away - first.away >= CLEARLY_NEARER ? first.place : undefined;
}

function toAnchors({ page, lines, box }: Occurrence, anchors: readonly Occurrence[]): number {
  const height = lines[0]!.height || 1;
  const distances = anchors.filter((anchor) => anchor.page === page).map((anchor) => verticalDistance(box, anchor.box));
  return Math.min(Infinity, ...distances) / height;
}

/** A label on the line before it is nearer than any above it. */
function toLabels({ page, lines }: Occurrence, labels: readonly LabelBox[]): number {
  const first = lines[0]!;
  const height = first.height || 1;
  let least = Infinity;
  for (const label of labels) {
    if (label.page !== page) continue;
    const gap = first.x - (label.box.x + label.box.width);
    const drop = first.y - label.box.y;
    if (onOneLine(label.box, first) && gap > -height / 2) least = Math.min(least, Math.max(0, gap) / height / 10);
    else if (drop > 0 && inOneColumn(label.box, first)) least = Math.min(least, 5 + drop / height);
  }
  return least;
}
