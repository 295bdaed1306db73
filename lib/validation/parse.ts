/** Checks a caller's arguments against a schema and reports everything that is wrong at once. */
import * as v from "valibot";
import { argumentError, MedInferError } from "../errors.js";
import { boundedCause, excerpt } from "../excerpt.js";
import { unreadablePlace } from "./unreadable.js";

/** Most issues that the message itself tells; `issues` has all. */
const MOST_TOLD = 5;
/** Most characters of a key that a caller made up. */
const MOST_OF_KEY = 40;

/**
 * The checked value, with its defaults.
 *
 * @param what the call, as the message names it, e.g. `"engine.chat"`
 * @throws MedInferError `INVALID_ARGUMENT` with one issue per field that is wrong
 */
export function parse<TSchema extends v.GenericSchema>(
  schema: TSchema,
  value: unknown,
  what: string,
): v.InferOutput<TSchema> {
  const outcome = read(schema, value, what);
  if (outcome.success) return outcome.output;
  const issues = outcome.issues.map((issue) => ({
    path: pathOf(issue.path ?? []),
    message: issue.message,
  }));
  const shown = issues.slice(0, MOST_TOLD).map(({ path, message }) => (path === "" ? message : `${path} ${message}`));
  if (issues.length > MOST_TOLD) shown.push(`and ${issues.length - MOST_TOLD} more`);
  const head = issues.length === 1 ? what : `${what}: ${issues.length} arguments are wrong`;
  throw new MedInferError("INVALID_ARGUMENT", `${head}: ${shown.join("; ")}`, { issues });
}

/** @throws MedInferError `INVALID_ARGUMENT` where code of the caller's throws, such as a getter */
function read<TSchema extends v.GenericSchema>(
  schema: TSchema,
  value: unknown,
  what: string,
): v.SafeParseResult<TSchema> {
  try {
    return v.safeParse(schema, value);
  } catch (error) {
    const place = unreadablePlace(value);
    if (place === undefined) throw error;
    const path = pathOf(place.map((key) => ({ key })));
    throw argumentError(what, path, "cannot be read: its getter throws", boundedCause(error));
  }
}

/** E.g. `messages[0].content`. */
export function pathOf(items: readonly { key?: unknown }[]): string {
  return items.reduce((path, { key }) => {
    if (typeof key === "number") return `${path}[${key}]`;
    const name = excerpt(String(key), MOST_OF_KEY);
    return path === "" ? name : `${path}.${name}`;
  }, "");
}
