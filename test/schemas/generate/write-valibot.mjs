/** Clinical types in valibot, as JSON Schema. */
import { toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";

const piped = (schema, ...actions) => {
  const given = actions.filter(Boolean);
  return given.length === 0 ? schema : v.pipe(schema, ...given);
};

const writers = {
  text: ({ min, max }) =>
    piped(v.string(), min !== undefined && v.minLength(min), max !== undefined && v.maxLength(max)),
  email: () => v.pipe(v.string(), v.email()),
  url: () => v.pipe(v.string(), v.url()),
  uuid: () => v.pipe(v.string(), v.uuid()),
  date: () => v.pipe(v.string(), v.isoDate()),
  time: () => v.pipe(v.string(), v.isoTimeSecond()),
  dateTime: () => v.pipe(v.string(), v.isoTimestamp()),
  duration: () =>
    v.pipe(v.string(), v.regex(/^P(?!$)(\d{1,3}Y)?(\d{1,3}M)?(\d{1,3}D)?(T(?=\d)(\d{1,3}H)?(\d{1,3}M)?(\d{1,3}S)?)?$/)),
  ipv4: () => v.pipe(v.string(), v.ipv4()),
  base64: () => v.pipe(v.string(), v.base64()),
  pattern: ({ pattern, max }) => piped(v.string(), v.regex(new RegExp(pattern)), max !== undefined && v.maxLength(max)),
  integer: ({ min, max, step }) =>
    piped(
      v.number(),
      v.integer(),
      min !== undefined && v.minValue(min),
      max !== undefined && v.maxValue(max),
      step !== undefined && v.multipleOf(step),
    ),
  number: ({ min, max, above, step }) =>
    piped(
      v.number(),
      min !== undefined && v.minValue(min),
      above !== undefined && v.gtValue(above),
      max !== undefined && v.maxValue(max),
      step !== undefined && v.multipleOf(step),
    ),
  flag: () => v.boolean(),
  enum: ({ values }) => v.picklist(values),
  literal: ({ value }) => v.literal(value),
  list: ({ item, min, max }, self) =>
    piped(v.array(write(item, self)), min !== undefined && v.minLength(min), max !== undefined && v.maxLength(max)),
  set: ({ values }) => piped(v.array(v.picklist(values)), v.maxLength(values.length)),
  tuple: ({ items }, self) => v.strictTuple(items.map((item) => write(item, self))),
  map: ({ value }, self) => v.record(v.string(), write(value, self)),
  record: ({ keys, value }, self) => v.strictObject(Object.fromEntries(keys.map((key) => [key, write(value, self)]))),
  object: ({ fields, open }, self) => {
    const shape = {};
    for (const [name, field] of Object.entries(fields)) {
      const written = write(field, self);
      shape[name] = field.optional ? v.optional(written) : written;
    }
    return open ? v.looseObject(shape) : v.strictObject(shape);
  },
  nullable: ({ inner }, self) => v.nullable(write(inner, self)),
  default: ({ inner, value }, self) => v.optional(write(inner, self), value),
  union: ({ options }, self) => v.union(options.map((option) => write(option, self))),
  variant: ({ key, options }, self) =>
    v.variant(
      key,
      options.map((option) => write(option, self)),
    ),
  both: ({ parts }, self) =>
    v.intersect(
      parts.map(({ fields }) =>
        v.object(Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, write(field, self)]))),
      ),
    ),
  self: (_node, self) => v.lazy(self),
};

function write(node, self) {
  const written = writers[node.kind](node, self);
  return node.description === undefined ? written : v.pipe(written, v.description(node.description));
}

export function writeValibot(node, name) {
  const recursive = JSON.stringify(node).includes('"kind":"self"');
  const schema = write(node, () => schema);
  return toJsonSchema(schema, recursive ? { definitions: { [name]: schema } } : {});
}
