/** Lists that are read in pages, as OpenAI's are. */
import * as v from "valibot";
import { Problem } from "../http/problem.js";

/** The form of a list of entries of such a form. */
export function pageSchema<T extends v.GenericSchema>(entry: T) {
  return v.object({
    object: v.literal("list"),
    data: v.array(entry),
    first_id: v.nullable(v.string()),
    last_id: v.nullable(v.string()),
    has_more: v.boolean(),
  });
}

/**
 * A page of entries: `limit` of them, behind the one with the id `after`.
 *
 * @param all newest first
 * @param most the largest limit, which is the default too
 * @throws Problem 400
 */
export function pageOf<T extends { id: string }>(all: readonly T[], query: URLSearchParams, most: number) {
  const limit = query.get("limit") ?? String(most);
  if (!/^\d{1,6}$/.test(limit) || Number(limit) < 1 || Number(limit) > most) {
    throw new Problem(400, "invalid_value", `limit must be a number from 1 to ${most}`, { param: "limit" });
  }
  const order = query.get("order") ?? "desc";
  if (order !== "desc" && order !== "asc") {
    throw new Problem(400, "invalid_value", "order must be asc or desc", { param: "order" });
  }
  const sorted = order === "desc" ? all : [...all].reverse();
  const after = query.get("after");
  const begin = after === null ? 0 : sorted.findIndex(({ id }) => id === after) + 1;
  if (after !== null && begin === 0) {
    throw new Problem(400, "invalid_value", "after must be the id of an entry", { param: "after" });
  }
  const data = sorted.slice(begin, begin + Number(limit));
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: begin + data.length < sorted.length,
  };
}
