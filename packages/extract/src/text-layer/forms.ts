/** How a value of an answer may stand on a page. */
import type { JsonLeaf } from "../answer/json-tree.js";
import { formsOfDay, readDay } from "./dates.js";

/** Texts to look for: the value as it is written first, then other ways to write the same, for when it is not there. */
export interface Forms {
  readonly written: string;
  readonly others: readonly string[];
}

/** Undefined for what no page can show: nothing, and yes or no. @param literal the value's JSON */
export function formsOf(value: JsonLeaf, literal: string): Forms | undefined {
  if (typeof value === "number") return { written: literal, others: formsOfNumber(value) };
  if (typeof value !== "string" || value.trim() === "") return undefined;
  const day = readDay(value);
  return { written: value, others: day === undefined ? [] : formsOfDay(day) };
}

/**
 * The same number with one or two zeros behind its decimals (7.5, 7.50), without a decimal that is zero, and grouped where that
 * can mean no other number: by spaces or apostrophes, by commas or points only with two groups ("1,000" may be one).
 */
function formsOfNumber(value: number): string[] {
  const plain = String(value);
  if (!/^-?\d+(\.\d+)?$/u.test(plain)) return [];
  const forms = [plain];
  const [whole, decimals = ""] = plain.split(".") as [string, string?];
  for (let zeros = 1; zeros <= 2; zeros++) {
    // Three decimals behind a comma look like thousands.
    if (decimals.length + zeros !== 3) forms.push(`${whole}.${decimals}${"0".repeat(zeros)}`);
  }
  const separators = Math.abs(value) >= 1e6 ? [" ", "'", ",", "."] : [" ", "'"];
  if (decimals === "" && Math.abs(value) >= 1000) {
    for (const separator of separators) forms.push(whole.replace(/\B(?=(\d{3})+$)/gu, separator));
  }
  return forms;
}
