/** Stands for characters that text in PostgreSQL cannot hold. */
const REPLACEMENT = "\ufffd";
const UNSTORABLE = /\u0000|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** A value as JSON text of which PostgreSQL reads every part: NUL and halves of surrogate pairs, which models do write, become U+FFFD. */
export function storable(value: unknown): string {
  return JSON.stringify(clean(JSON.parse(JSON.stringify(value) ?? "null")));
}

function clean(value: unknown): unknown {
  if (typeof value === "string") return value.replace(UNSTORABLE, REPLACEMENT);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key.replace(UNSTORABLE, REPLACEMENT), clean(each)]),
  );
}
