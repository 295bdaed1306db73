/** Where a value of a caller cannot be read, because code of its own throws: a getter, or a proxy. */

type Key = string | number;

/** Deep enough for every argument; what is below is data, which JSON writes. */
const MAX_DEPTH = 12;
/** Most values that are looked at. */
const MAX_VALUES = 100_000;

/** The keys that lead to the first value that cannot be read; undefined: all can. */
export function unreadablePlace(value: unknown): Key[] | undefined {
  let left = MAX_VALUES;
  const look = (here: unknown, path: Key[]): Key[] | undefined => {
    if (typeof here !== "object" || here === null || ArrayBuffer.isView(here) || path.length > MAX_DEPTH)
      return undefined;
    let keys: Key[];
    try {
      keys = Array.isArray(here) ? [...here.keys()] : Object.keys(here);
    } catch {
      return path;
    }
    for (const key of keys) {
      if ((left -= 1) < 0) return undefined;
      const inside = [...path, key];
      let item: unknown;
      try {
        item = (here as Record<Key, unknown>)[key];
      } catch {
        return inside;
      }
      const found = look(item, inside);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return look(value, []);
}
