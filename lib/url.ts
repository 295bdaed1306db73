import { URL } from "node:url";

/**
 * A URL object as Node's own. It may come from elsewhere: from another realm, as in a vm context, or from a library that
 * puts its own class in place of Node's, as jsdom does. Undefined where the value is none.
 */
export function toUrl(value: unknown): URL | undefined {
  // eslint-disable-next-line no-restricted-syntax -- a shortcut for the usual case
  if (value instanceof URL) return value;
  if (typeof value !== "object" || value === null) return undefined;
  const { href, protocol, auth, path } = value as Record<string, unknown>;
  // What the old url.parse() makes has the last two.
  const isUrl = typeof href === "string" && typeof protocol === "string" && auth === undefined && path === undefined;
  return isUrl && URL.canParse(href) ? new URL(href) : undefined;
}
