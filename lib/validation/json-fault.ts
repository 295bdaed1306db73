/** Why a value is none that JSON can write, and where. */

export type Key = string | number;

export interface JsonFault {
  /** What it does, e.g. `"holds itself"`. */
  message: string;
  /** The keys that lead there. Empty: the value as a whole. */
  at: Key[];
}

/** The first fault of a value whose writing has failed, or is nested deeper than it may. */
export function jsonFault(value: unknown, maxDepth: number): JsonFault | undefined {
  const above: object[] = [];
  const look = (here: unknown, at: Key[]): JsonFault | undefined => {
    if (typeof here === "bigint") return { message: "is a bigint, which JSON has not", at };
    if (typeof here !== "object" || here === null) return undefined;
    if (above.includes(here)) return { message: "holds itself", at };
    // The place would be as long as it is deep.
    if (above.length === maxDepth) return { message: `is nested too deeply: use at most ${maxDepth} levels`, at: [] };
    above.push(here);
    const keys: Key[] = Array.isArray(here) ? [...here.keys()] : Object.keys(here);
    for (const key of keys) {
      let item: unknown;
      try {
        item = (here as Record<Key, unknown>)[key];
      } catch {
        return { message: "cannot be read: its getter throws", at: [...at, key] };
      }
      const found = look(item, [...at, key]);
      if (found !== undefined) return found;
    }
    above.pop();
    return undefined;
  };
  try {
    return look(value, []);
  } catch {
    return undefined; // a proxy
  }
}

/** How deep the lists and objects of a JSON text are nested. */
export function jsonDepth(json: string): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < json.length; i++) {
    const letter = json[i];
    if (letter === '"') {
      for (i += 1; json[i] !== '"'; i++) if (json[i] === "\\") i += 1;
    } else if (letter === "{" || letter === "[") deepest = Math.max(deepest, (depth += 1));
    else if (letter === "}" || letter === "]") depth -= 1;
  }
  return deepest;
}

const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** What is wrong there. */
export const BROKEN_TEXT = "holds half of a character: a surrogate alone, which UTF-8 has not";

/** Where a text, or a name, has half of a character: a surrogate alone, which UTF-8 has not. Of a value that JSON has written. */
export function brokenTextPlace(value: unknown, at: Key[] = []): Key[] | undefined {
  if (typeof value === "string") return LONE.test(value) ? at : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, item] of Object.entries(value)) {
    if (LONE.test(key)) return at;
    const found = brokenTextPlace(item, [...at, Array.isArray(value) ? Number(key) : key]);
    if (found !== undefined) return found;
  }
  return undefined;
}
