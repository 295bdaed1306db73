/** The kinds of texts, numbers and objects that zod and valibot know, one schema each. */
import { toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { z } from "zod";

const texts =
  "guid uuidv4 url nanoid cuid cuid2 ulid xid ksuid ipv4 ipv6 cidrv4 cidrv6 base64 base64url e164 jwt hostname hex"
    .split(" ")
    .map((name) => [name, z[name]()]);

const zod = [
  ...texts,
  ["local date-time", z.iso.datetime({ local: true })],
  ["date-time to the second", z.iso.datetime({ precision: 0 })],
  ["time", z.iso.time()],
  ["int32", z.int32()],
  ["uint32", z.uint32()],
  ["float32", z.float32()],
  ["float64", z.float64()],
  ["parts of a text", z.string().startsWith("a").endsWith("b").includes("c").max(9)],
  ["lowercase", z.string().lowercase()],
  ["partialRecord", z.partialRecord(z.enum(["a", "b"]), z.number())],
  ["record of numbers", z.record(z.number(), z.string())],
  ["looseObject", z.looseObject({ a: z.string() })],
  ["catchall", z.object({ a: z.string() }).catchall(z.number())],
  ["templateLiteral", z.templateLiteral(["a", z.number()])],
  ["numeric enum", z.enum({ A: 1, B: 2 })],
  ["nullish", z.number().nullish()],
  ["literals", z.literal([1, "a", null])],
  ["json", z.json()],
  ["never", z.object({ a: z.never().optional() })],
  ["readonly", z.array(z.int()).readonly()],
  ["named", z.string().meta({ id: "Name", title: "t" })],
  ["tuple with a rest", z.tuple([z.string()], z.number())],
  ["set of a literal union", z.object({ tags: z.array(z.union([z.literal("a"), z.literal("b")])).min(1) })],
];

const valibot =
  "isoTime isoTimeSecond isoDate isoDateTime isoTimestamp isoWeek base64 cuid2 hexColor ulid nanoid mac imei octal"
    .split(" ")
    .map((name) => [name, v.pipe(v.string(), v[name]())]);

export function writeKinds() {
  return Object.fromEntries([
    ...zod.map(([name, schema]) => [`zod ${name}`, z.toJSONSchema(schema)]),
    ...valibot.map(([name, schema]) => [`valibot ${name}`, toJsonSchema(schema, { errorMode: "ignore" })]),
  ]);
}
