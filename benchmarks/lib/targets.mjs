// Figures that have to be at least, at most or below something, and the tables that show them.

/**
 * @typedef {{ case: string | number, what: string, value: number, atLeast?: number, atMost?: number, below?: number,
 *   ok: boolean }} Target
 */

/** Whether a figure is what it has to be; one that is no number never is. */
export function isMet({ value, atLeast = -Infinity, atMost = Infinity, below = Infinity }) {
  return value >= atLeast && value <= atMost && value < below;
}

/** @param {Target[]} targets */
export function targetTable(targets) {
  const rows = targets.map((target) => {
    const { what, value, atLeast, atMost, below, ok } = target;
    const bound = [
      [atLeast, "at least"],
      [atMost, "at most"],
      [below, "below"],
    ].find(([limit]) => limit !== undefined);
    return [target.case, what, `${bound[1]} ${bound[0]}`, value, ok ? "yes" : "no"];
  });
  return markdown([["case", "target", "wanted", "found", "ok"], ...rows]);
}

/** A table; the first row is its head. @param {(string | number)[][]} rows */
export function markdown([head, ...rows]) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
