/** What commands print: to stdout only what was asked for. */
import { once } from "node:events";
import process from "node:process";

/**
 * Ends the process quietly where the reader of its output is gone, as behind `| head`. Engines end with their process.
 */
export function endWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
}

export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Resolves when the reader has room for more. */
export async function printLineWhenRead(line: string): Promise<void> {
  if (!process.stdout.write(`${line}\n`)) await once(process.stdout, "drain");
}

/** With numbers that a double cannot hold, and those that JSON has no form for, as strings. */
export function printJson(value: unknown): void {
  const forJson = (_key: string, each: unknown) =>
    typeof each === "bigint" || (typeof each === "number" && !Number.isFinite(each)) ? String(each) : each;
  printLine(JSON.stringify(value, forJson, 2));
}

/** Exactly this text; at a terminal the prompt of the shell begins on a line of its own. */
export function printText(text: string): void {
  process.stdout.write(process.stdout.isTTY && !text.endsWith("\n") ? `${text}\n` : text);
}

/** Rows in columns; the last column is not padded. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  for (const row of rows) {
    printLine(row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join("  "));
  }
}

const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** E.g. `"3.9 GiB"`. */
export function formatBytes(bytes: number): string {
  const unit = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  return `${(bytes / 1024 ** unit).toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

/** E.g. `"6.7 M"`. */
export function formatCount(count: number): string {
  if (count < 1e6) return count.toLocaleString("en");
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} M` : `${(count / 1e9).toFixed(2)} B`;
}
