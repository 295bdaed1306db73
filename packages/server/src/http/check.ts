import * as v from "valibot";
import { Problem } from "./problem.js";

/** Most issues that a message tells. */
const MOST_TOLD = 5;

/**
 * The checked value, with its defaults.
 *
 * @throws Problem 400 that names everything wrong by its place, and no value: that may be a patient's
 */
export function check<T extends v.GenericSchema>(schema: T, value: unknown): v.InferOutput<T> {
  const outcome = v.safeParse(schema, value);
  if (outcome.success) return outcome.output;
  const { text, place } = describeIssues(outcome.issues);
  throw new Problem(400, "invalid_value", `the request: ${text}`, { param: place });
}

/** What is wrong, by its places and without values, and the first of these places. */
export function describeIssues(all: readonly v.BaseIssue<unknown>[]): { text: string; place: string | undefined } {
  const issues = all.map((issue) => innermost(issue));
  const told = issues.slice(0, MOST_TOLD).map(({ path, message }) => (path === "" ? message : `${path} ${message}`));
  if (issues.length > MOST_TOLD) told.push(`and ${issues.length - MOST_TOLD} more`);
  return { text: told.join("; "), place: issues[0]?.path || undefined };
}

interface Found {
  path: string;
  message: string;
}

/** Of a value that fits none of several forms: what is wrong with it in the form that it fits furthest. */
function innermost(issue: v.BaseIssue<unknown>, before: readonly unknown[] = []): Found {
  const path = [...before, ...(issue.path ?? []).map(({ key }) => key)];
  const inner = (issue.issues ?? []).map((each) => ({ each, depth: each.path?.length ?? 0 }));
  const deepest = Math.max(0, ...inner.map(({ depth }) => depth));
  const [best] = inner.filter(({ depth }) => depth === deepest);
  if (deepest > 0 && best !== undefined) return innermost(best.each, path);
  return { path: pathOf(path), message: messageOf(issue) };
}

/** E.g. `messages[0].content`. A key that a sender made up is none of ours to repeat in full. */
function pathOf(keys: readonly unknown[]): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === "number") return `${path}[${key}]`;
    const name = /^[\w.-]{1,40}$/.test(String(key)) ? String(key) : "(a name)";
    return path === "" ? name : `${path}.${name}`;
  }, "");
}

/** What has to be there; of what is there its type alone. */
function messageOf(issue: v.BaseIssue<unknown>): string {
  // A schema's own message; valibot's begin with that word, and quote the value.
  if (!issue.message.startsWith("Invalid ")) return issue.message;
  if (issue.type === "strict_object" && issue.expected === "never") return "is unknown";
  if (issue.input === undefined) return "is missing";
  const { requirement } = issue as { requirement?: unknown };
  switch (issue.type) {
    case "min_value":
      return `must be at least ${String(requirement)}`;
    case "max_value":
      return `must be at most ${String(requirement)}`;
    case "gt_value":
      return `must be more than ${String(requirement)}`;
    case "min_length":
    case "non_empty":
      return `must have at least ${issue.type === "non_empty" ? 1 : String(requirement)} ${unit(issue.input)}`;
    case "max_length":
      return `must have at most ${String(requirement)} ${unit(issue.input)}`;
    case "integer":
    case "safe_integer":
      return "must be an integer";
    default:
      return `must be ${expected(issue.expected)} (got ${typeName(issue.input)})`;
  }
}

const unit = (value: unknown) => (typeof value === "string" ? "characters" : "entries");

function expected(text: string | null): string {
  const words: Record<string, string> = { Object: "an object", Array: "a list", null: "null" };
  const name = (each: string) => words[each] ?? (/^"/.test(each) ? each : `a ${each}`);
  const parts = (text ?? "something else").replace(/^\((.*)\)$/, "$1").split(" | ");
  return [...new Set(parts)].map(name).join(" or ");
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
