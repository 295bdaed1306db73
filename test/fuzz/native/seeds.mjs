// Inputs to begin with, for each target: valid and harmless, made anew or taken from the fixtures.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { fromRoot } from "../../../scripts/lib/paths.mjs";

/** @param {number | bigint} value */
const u64 = (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};

/** As native/src/session/session_file.cc writes one, for a model whose identity is all zeros and whose cells have 16 bytes. */
function session({ note = "", salt = "", keys = 0, cells = 0 }) {
  const version = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  const lengths = [note.length, salt.length, keys, cells, 16].map(u64);
  const body = Array.from({ length: keys }, (_, i) => u64(i));
  const covered = Buffer.concat([
    Buffer.from("MEDSESS\n"),
    version,
    Buffer.alloc(32),
    ...lengths,
    Buffer.from(note + salt),
    ...body,
    Buffer.alloc(cells * 16, 7),
  ]);
  return Buffer.concat([covered, createHash("sha256").update(covered).digest()]);
}

function images() {
  const folder = fromRoot("test", "fixtures", "images");
  const files = readdirSync(folder).filter((file) => /\.(png|jpg|gif|bmp)$/.test(file));
  return files.map((file) => readFileSync(path.join(folder, file))).filter(({ length }) => length < 2048);
}

const grammars = [
  ['root ::= "yes" | "no"', "yes"],
  ['root ::= [0-9]{1,3} ("." [0-9]+)? # a number\n', "12.5"],
  ['root ::= item ("," item)*\nitem ::= [^,"\\x00-\\x1f]+', "a,b"],
  ['root ::= "\\"" ([^"\\\\] | "\\\\" ["\\\\/bfnrt])* "\\""', '"a\\n"'],
  ["root ::= [\\u00e4-\\u00fc\\U0001F600]{2,}", "äö"],
  ['root ::= "a" root "b" | ""', "aabb"],
  ["root ::= . . .", "xyz"],
  ["root ::= <[5]> !<[6]> .*", "a"],
];

const schemas = [
  {
    type: "object",
    properties: { name: { type: "string", maxLength: 9 }, age: { type: "integer", minimum: 0, maximum: 120 } },
  },
  { type: "array", items: { enum: ["mild", "severe", 1, null] }, minItems: 1, maxItems: 3 },
  { anyOf: [{ const: { code: "I10" } }, { type: ["number", "null"], exclusiveMinimum: 0.5, maximum: 3.75 }] },
  { $defs: { a: { type: "string", pattern: "^[A-Z]\\d{2}(\\.\\d{1,2})?$" } }, $ref: "#/$defs/a" },
  { type: "string", format: "date-time" },
  { type: "object", additionalProperties: { type: "boolean" }, required: ["a"], properties: { a: { type: "null" } } },
  { type: "array", prefixItems: [{ type: "integer" }, { type: "string", format: "uuid" }], items: false },
  { allOf: [{ type: "object", properties: { a: { type: "boolean" } }, required: ["a"] }, { type: "object" }] },
];

const expressions = [
  ["\\s+", "one two  three"],
  ["[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|\\s+(?!\\S)|\\s+", "BP 120/80, 5 mg\n"],
  ["'s|'t|(?:[ab]+c)*", "it's abcabc"],
  ["[\u00e0-\u00ff]+", "d\u00e9j\u00e0"],
];

/** By target. A target that has no seeds begins with the empty input. @type {Record<string, () => Uint8Array[]>} */
export const seeds = {
  session: () => [
    session({}),
    session({ note: '{"messages":[]}', salt: "tenant", keys: 5, cells: 3 }),
    session({ note: "{}", keys: 4 }),
  ],
  image: images,
  grammar: () =>
    grammars.map(([grammar, text]) => Buffer.concat([Buffer.from(grammar), Buffer.from([0xff]), Buffer.from(text)])),
  regex: () =>
    expressions.map(([expression, text]) =>
      Buffer.from(String.fromCharCode(expression.length) + expression + text, "latin1"),
    ),
  schema: () => schemas.map((schema) => Buffer.from(JSON.stringify(schema))),
};
