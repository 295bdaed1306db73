/** Comma-separated values (RFC 4180): quoted fields hold commas, line breaks and doubled quotes. */

/** The rows of a table; empty lines are none. A byte order mark is skipped. @returns undefined where a quote is not closed */
export function readCsv(text: string): string[][] | undefined {
  const rows: string[][] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/uy;
  const source = text.replace(/^\uFEFF/u, "");
  let row: string[] = [];
  for (let at = 0; at < source.length; at = field.lastIndex) {
    field.lastIndex = at;
    const match = field.exec(source);
    if (match === null) return undefined;
    row.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] === "," && field.lastIndex < source.length) continue;
    if (match[3] === ",") row.push("");
    if (row.length > 1 || row[0] !== "") rows.push(row);
    row = [];
  }
  return rows;
}
