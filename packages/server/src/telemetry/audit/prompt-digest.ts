import { createHmac } from "node:crypto";
import { setImmediate as breathe } from "node:timers/promises";

/** Fields of bodies that hold what a model is to read, whatever the call. */
const PROMPT_FIELDS = [
  "system",
  "instructions",
  "messages",
  "prompt",
  "suffix",
  "input",
  "query",
  "documents",
  "question",
  "content",
  "tokens",
  "tools",
];

/** Characters digested at a stretch: well under a millisecond. */
const STRETCH = 256 * 1024;

/**
 * The HMAC-SHA256 of what a body gives a model to read: of the JSON of those of its fields that do. Images in it are megabytes,
 * so the event loop has its turn in between.
 *
 * @returns hexadecimal; undefined where the body has none of them
 */
export async function promptDigest(secret: Uint8Array, body: unknown): Promise<string | undefined> {
  if (typeof body !== "object" || body === null) return undefined;
  const fields = Object.fromEntries(
    PROMPT_FIELDS.filter((name) => Object.hasOwn(body, name)).map((name) => [
      name,
      (body as Record<string, unknown>)[name],
    ]),
  );
  if (Object.values(fields).every((value) => value === undefined || value === null)) return undefined;
  const digest = createHmac("sha256", secret);
  let pending = "";
  for (const piece of jsonOf(fields)) {
    pending += piece;
    if (pending.length < STRETCH) continue;
    digest.update(pending);
    pending = "";
    await breathe();
  }
  return digest.update(pending).digest("hex");
}

/** What JSON.stringify gives, in pieces. */
function* jsonOf(value: unknown): Generator<string> {
  if (typeof value === "string" && value.length > STRETCH) yield* longString(value);
  else if (typeof value !== "object" || value === null) yield JSON.stringify(value) ?? "null";
  else if (Array.isArray(value)) {
    yield "[";
    for (let i = 0; i < value.length; i++) {
      if (i > 0) yield ",";
      yield* jsonOf(value[i]);
    }
    yield "]";
  } else {
    yield "{";
    const entries = Object.entries(value).filter(([, each]) => each !== undefined);
    for (const [i, [name, each]] of entries.entries()) {
      yield `${i > 0 ? "," : ""}${JSON.stringify(name)}:`;
      yield* jsonOf(each);
    }
    yield "}";
  }
}

function* longString(text: string): Generator<string> {
  yield '"';
  for (let from = 0; from < text.length;) {
    let to = from + STRETCH;
    // A pair of surrogates stays together: half of one is written otherwise.
    if (/[\uD800-\uDBFF]/.test(text[to - 1] ?? "")) to += 1;
    yield JSON.stringify(text.slice(from, to)).slice(1, -1);
    from = to;
  }
  yield '"';
}
