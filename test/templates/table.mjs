// Counts outcomes, and shows those that differ.

/**
 * @param {string} name of the group
 * @param {{ name: string, wanted: string | undefined, ours: { text?: string, error?: Error } }[]} outcomes
 * @param {number} show most differences to be shown
 */
export function compare(name, outcomes, show) {
  const counts = {
    cases: outcomes.length,
    equal: 0,
    "refused by both": 0,
    "refused by us": 0,
    "rendered by us alone": 0,
    different: 0,
  };
  const shown = { "refused by us": 0, "rendered by us alone": 0, different: 0 };
  for (const { name: one, wanted, ours } of outcomes) {
    const kind = kindOf(wanted, ours.text);
    counts[kind]++;
    if (!(kind in shown) || shown[kind]++ >= show) continue;
    console.log(
      `\n${kind}: ${one}\n  Python: ${around(wanted, ours.text)}\n  ours:   ${around(ours.text, wanted) ?? ours.error}`,
    );
  }
  console.log(
    `\n${name}: ${Object.entries(counts)
      .map(([kind, n]) => `${n} ${kind}`)
      .join(", ")}`,
  );
}

function kindOf(wanted, text) {
  if (wanted === undefined) return text === undefined ? "refused by both" : "rendered by us alone";
  if (text === undefined) return "refused by us";
  return text === wanted ? "equal" : "different";
}

/** Where the first text begins to differ from the second. */
function around(text, other = "") {
  if (text === undefined) return undefined;
  let at = 0;
  while (at < text.length && text[at] === other[at]) at++;
  const from = Math.max(0, at - 60);
  return `${from > 0 ? "…" : ""}${JSON.stringify(text.slice(from, at + 100))}`;
}
