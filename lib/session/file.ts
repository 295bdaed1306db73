/** Files of sessions. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { argumentError } from "../errors.js";
import { toUrl } from "../url.js";

/** The absolute path of a file that a caller names. */
export function filePath(call: string, path: unknown): string {
  const isText = typeof path === "string" && path !== "";
  if (isText && /^https?:/i.test(path))
    throw argumentError(call, "path", "is a web address: give that of a local file");
  if (isText && !/^file:/i.test(path)) return resolve(path);
  const url = isText ? path : toUrl(path);
  try {
    if (url !== undefined) return fileURLToPath(url);
  } catch {
    // A URL of another kind, or of another host.
  }
  throw argumentError(call, "path", "must be a path or a file: URL of a local file");
}
