/** What a page may call a value. */
import type { Path } from "./answer/json-tree.js";

/** The words of its key, and its title in the schema where that has one. An item of an array has those of the array. */
export function labelsOf(path: Path, schema: unknown): string[] {
  const key = path.findLast((step) => typeof step === "string");
  const title = titleAt(path, schema);
  return [...(key === undefined ? [] : [wordsOf(key)]), ...(title === undefined ? [] : [title])];
}

/** `birthDate` and `birth_date` are "birth Date" and "birth date". */
function wordsOf(key: string): string {
  return key.replace(/[_.-]+/gu, " ").replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2");
}

interface Schema {
  title?: unknown;
  properties?: Record<string, unknown>;
  items?: unknown;
}

/** Through `properties` and `items` alone: a title behind a reference or an alternative is not found. */
function titleAt(path: Path, schema: unknown): string | undefined {
  let at = schema as Schema | undefined;
  let title: string | undefined;
  for (const step of path) {
    if (typeof at !== "object" || at === null) return title;
    if (typeof step === "number") at = at.items as Schema | undefined;
    else {
      const { properties } = at;
      at = properties && Object.hasOwn(properties, step) ? (properties[step] as Schema) : undefined;
      title = undefined;
    }
    if (typeof at?.title === "string") title = at.title;
  }
  return title;
}
