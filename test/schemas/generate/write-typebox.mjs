/** Clinical types in TypeBox, which writes JSON Schema itself. */
import { Type } from "@sinclair/typebox";

const writers = {
  text: ({ min, max }) =>
    Type.String({ ...(min !== undefined && { minLength: min }), ...(max !== undefined && { maxLength: max }) }),
  email: () => Type.String({ format: "email" }),
  url: () => Type.String({ format: "uri" }),
  uuid: () => Type.String({ format: "uuid" }),
  date: () => Type.String({ format: "date" }),
  time: () => Type.String({ format: "time" }),
  dateTime: () => Type.String({ format: "date-time" }),
  duration: () => Type.String({ format: "duration" }),
  ipv4: () => Type.String({ format: "ipv4" }),
  base64: () => Type.String({ format: "byte", contentEncoding: "base64" }),
  pattern: ({ pattern, max }) => Type.String({ pattern, ...(max !== undefined && { maxLength: max }) }),
  integer: ({ min, max, step }) =>
    Type.Integer({
      ...(min !== undefined && { minimum: min }),
      ...(max !== undefined && { maximum: max }),
      ...(step !== undefined && { multipleOf: step }),
    }),
  number: ({ min, max, above, step }) =>
    Type.Number({
      ...(min !== undefined && { minimum: min }),
      ...(max !== undefined && { maximum: max }),
      ...(above !== undefined && { exclusiveMinimum: above }),
      ...(step !== undefined && { multipleOf: step }),
    }),
  flag: () => Type.Boolean(),
  enum: ({ values }) => Type.Union(values.map((value) => Type.Literal(value))),
  literal: ({ value }) => Type.Literal(value),
  list: ({ item, min, max }, self) =>
    Type.Array(write(item, self), {
      ...(min !== undefined && { minItems: min }),
      ...(max !== undefined && { maxItems: max }),
    }),
  set: ({ values }) => Type.Array(Type.Union(values.map((value) => Type.Literal(value))), { maxItems: values.length }),
  tuple: ({ items }, self) => Type.Tuple(items.map((item) => write(item, self))),
  map: ({ value, keys }, self) =>
    Type.Record(keys === undefined ? Type.String() : Type.String({ pattern: keys }), write(value, self)),
  record: ({ keys, value }, self) => Type.Record(Type.Union(keys.map((key) => Type.Literal(key))), write(value, self)),
  object: ({ fields, open }, self) => {
    const shape = {};
    for (const [name, field] of Object.entries(fields)) {
      const written = write(field, self);
      shape[name] = field.optional ? Type.Optional(written) : written;
    }
    return Type.Object(shape, { additionalProperties: open === true });
  },
  nullable: ({ inner }, self) => Type.Union([write(inner, self), Type.Null()]),
  default: ({ inner, value }, self) => ({ ...write(inner, self), default: value }),
  union: ({ options }, self) => Type.Union(options.map((option) => write(option, self))),
  variant: ({ options }, self) => Type.Union(options.map((option) => write(option, self))),
  both: ({ parts }, self) =>
    Type.Intersect(
      parts.map(({ fields }) =>
        Type.Object(Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, write(field, self)]))),
      ),
      { unevaluatedProperties: false },
    ),
  self: (_node, self) => self,
};

function write(node, self) {
  const written = writers[node.kind](node, self);
  return node.description === undefined ? written : { ...written, description: node.description };
}

export function writeTypeBox(node, name) {
  const recursive = JSON.stringify(node).includes('"kind":"self"');
  return recursive ? Type.Recursive((self) => write(node, self), { $id: name }) : write(node);
}
