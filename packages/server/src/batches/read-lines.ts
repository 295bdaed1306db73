import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import * as v from "valibot";
import { check } from "../http/check.js";
import { Problem } from "../http/problem.js";
import { withoutTexts } from "../http/scrub.js";
import type { LineProblem } from "./batch.js";

/** As OpenAI's. */
const MOST_LINES = 50_000;
/** The most that a batch tells of what is wrong with its input. */
const MOST_TOLD = 100;

/** A request of a batch. */
export interface BatchLine {
  customId: string;
  body: Record<string, unknown>;
}

const lineSchema = v.strictObject({
  custom_id: v.pipe(v.string(), v.minLength(1), v.maxLength(512)),
  method: v.literal("POST"),
  url: v.string(),
  body: v.record(v.string(), v.unknown()),
});

/** What a problem of a line may name. */
const words: ReadonlySet<string> = new Set([...Object.keys(lineSchema.entries), "POST"]);

/** The requests of a file, one after another. Blank lines are none. @throws Problem at a line that is no request */
export async function* readLines(input: Readable, endpoint: string): AsyncGenerator<BatchLine, void> {
  try {
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      if (text.trim() !== "") yield readLine(text, endpoint);
    }
  } finally {
    input.destroy();
  }
}

/** How many requests a file has, and what is wrong with it. */
export async function checkLines(
  input: Readable,
  endpoint: string,
): Promise<{ total: number; problems: LineProblem[] }> {
  const problems: LineProblem[] = [];
  const seen = new Set<string>();
  let line = 0;
  let total = 0;
  const tell = (code: string, message: string, param: string | null, at: number | null) => {
    if (problems.length < MOST_TOLD) problems.push({ code, message, line: at, param });
  };
  for await (const text of createInterface({ input, crlfDelay: Infinity })) {
    line += 1;
    if (text.trim() === "") continue;
    total += 1;
    if (total > MOST_LINES) {
      tell("too_many_requests", `the file has more than ${MOST_LINES} requests`, null, line);
      input.destroy();
      break;
    }
    try {
      const { customId } = readLine(text, endpoint);
      if (seen.has(customId)) tell("duplicate_custom_id", "a line before has the same custom_id", "custom_id", line);
      seen.add(customId);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      tell(error.code, error.message, error.param, line);
    }
  }
  if (total === 0) tell("empty_file", "the file has no requests", null, null);
  return { total, problems };
}

/** @throws Problem */
function readLine(text: string, endpoint: string): BatchLine {
  let value: unknown;
  try {
    // Trimmed: an editor may have put a byte order mark before the first.
    value = JSON.parse(text.trim());
  } catch {
    throw new Problem(400, "invalid_json_line", "the line is no valid JSON");
  }
  const { custom_id: customId, url, body } = checkedLine(value);
  if (url !== endpoint) {
    throw new Problem(400, "mismatched_endpoint", "the line: url must be the batch's endpoint", { param: "url" });
  }
  return { customId, body };
}

/** @throws Problem that quotes nothing of the line: the batch keeps it */
function checkedLine(value: unknown) {
  try {
    return check(lineSchema, value);
  } catch (error) {
    throw error instanceof Problem ? withoutTexts(error, value, words) : error;
  }
}
