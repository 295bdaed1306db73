/** The file of keys: who may ask, as which tenant, and how much. */
import { readFileSync } from "node:fs";
import path from "node:path";
import * as v from "valibot";
import { MedInferError } from "medinfer";
import { describeIssues } from "../http/check.js";
import { subjectParts } from "./certificate.js";
import { roles } from "./principal.js";

/** Names stand in logs and metrics, so they are short and plain. */
const name = v.pipe(v.string(), v.regex(/^[\w.@-]{1,64}$/, "must be 1 to 64 of letters, digits and . _ - @"));
const count = v.pipe(v.number(), v.integer(), v.minValue(1));

export const keySchema = v.pipe(
  v.strictObject({
    name,
    tenant: name,
    roles: v.pipe(v.array(v.picklist(roles)), v.minLength(1)),
    /** SHA-256 of the key, hexadecimal. Keys are 32 random bytes: a slow hash would add nothing. */
    sha256: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/i, "must be 64 hexadecimal digits"))),
    /** The whole subject of a client certificate that stands for the key, e.g. `"CN=ward-3,O=Hospital"`, in any order. */
    certificate: v.optional(v.pipe(v.string(), v.regex(/^[^=\n]+=./, "must be a subject such as CN=ward-3"))),
  }),
  v.check((key) => (key.sha256 ?? key.certificate) !== undefined, "must have sha256, certificate or both"),
);

/** Limits of one tenant, for all its keys together. None where one is left out. */
export const tenantSchema = v.strictObject({
  /** Requests that generate, a minute. */
  requestsPerMinute: v.optional(count),
  /** Tokens of prompts and answers, a minute. Counted when an answer is whole. */
  tokensPerMinute: v.optional(count),
  /** Requests at once, waiting ones included. */
  requestsAtOnce: v.optional(count),
  /** Its part of the places at a model where several tenants wait: 2 gets twice as many as 1. Default 1. */
  share: v.optional(v.pipe(v.number(), v.minValue(0.01), v.maxValue(1000))),
});

const differing = (values: readonly (string | undefined)[]) => {
  const given = values.filter((value) => value !== undefined);
  return new Set(given).size === given.length;
};

const fileSchema = v.strictObject({
  keys: v.pipe(
    v.array(keySchema),
    v.check((keys) => differing(keys.map((key) => key.name)), "must have names that differ"),
    v.check((keys) => differing(keys.map((key) => key.sha256?.toLowerCase())), "must not have one key twice"),
    v.check(
      (keys) => differing(keys.map((key) => key.certificate && subjectParts(key.certificate).join())),
      "must not have one certificate twice",
    ),
  ),
  tenants: v.optional(v.record(name, tenantSchema), {}),
});

export type KeyEntry = v.InferOutput<typeof keySchema>;
export type TenantTerms = v.InferOutput<typeof tenantSchema>;
export type KeyFile = v.InferOutput<typeof fileSchema>;

/** @throws MedInferError `INVALID_ARGUMENT` that names the file and the place in it, and no value */
export function parseKeys(text: string, file: string): KeyFile {
  const wrong = (what: string) =>
    new MedInferError("INVALID_ARGUMENT", `the keys file ${path.basename(file)}: ${what}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The parser's own message quotes what stands there.
    throw wrong(`it is no valid JSON ${/\bat position \d+/.exec((error as Error).message)?.[0] ?? "at its end"}`);
  }
  const outcome = v.safeParse(fileSchema, value);
  if (!outcome.success) throw wrong(describeIssues(outcome.issues).text);
  return outcome.output;
}

/** @throws MedInferError `INVALID_ARGUMENT`, also where it cannot be read */
export function readKeys(file: string): KeyFile {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw unreadable(file, error);
  }
  return parseKeys(text, file);
}

export function unreadable(file: string, error: unknown): MedInferError {
  const { code = "unknown" } = error as NodeJS.ErrnoException;
  const hint = code === "ENOENT" ? "there is no such file: medinfer keys add makes one" : `it cannot be read (${code})`;
  return new MedInferError("INVALID_ARGUMENT", `the keys file ${path.basename(file)}: ${hint}`);
}
