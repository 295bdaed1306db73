/** Clinical types in zod 4, as JSON Schema. */
import { z } from "zod";

const writers = {
  text: ({ min, max }) => {
    let text = z.string();
    if (min !== undefined) text = text.min(min);
    return max === undefined ? text : text.max(max);
  },
  email: () => z.email(),
  url: () => z.url(),
  uuid: () => z.uuid(),
  date: () => z.iso.date(),
  time: () => z.iso.time(),
  dateTime: () => z.iso.datetime({ offset: true }),
  duration: () => z.iso.duration(),
  ipv4: () => z.ipv4(),
  base64: () => z.base64(),
  pattern: ({ pattern, max }) => {
    const text = z.string().regex(new RegExp(pattern));
    return max === undefined ? text : text.max(max);
  },
  integer: ({ min, max, step }) => {
    let number = z.int();
    if (min !== undefined) number = number.min(min);
    if (max !== undefined) number = number.max(max);
    return step === undefined ? number : number.multipleOf(step);
  },
  number: ({ min, max, above, step }) => {
    let number = z.number();
    if (min !== undefined) number = number.min(min);
    if (above !== undefined) number = number.gt(above);
    if (max !== undefined) number = number.max(max);
    return step === undefined ? number : number.multipleOf(step);
  },
  flag: () => z.boolean(),
  enum: ({ values }) =>
    values.every((value) => typeof value === "string")
      ? z.enum(values)
      : z.union(values.map((value) => z.literal(value))),
  literal: ({ value }) => z.literal(value),
  list: ({ item, min, max }, root) => {
    let array = z.array(write(item, root));
    if (min !== undefined) array = array.min(min);
    return max === undefined ? array : array.max(max);
  },
  set: ({ values }) => z.array(z.enum(values)).max(values.length),
  tuple: ({ items }, root) => z.tuple(items.map((item) => write(item, root))),
  map: ({ value, keys }, root) =>
    z.record(keys === undefined ? z.string() : z.string().regex(new RegExp(keys)), write(value, root)),
  record: ({ keys, value }, root) => z.record(z.enum(keys), write(value, root)),
  object: ({ fields, open }, root) => {
    const shape = {};
    for (const [name, field] of Object.entries(fields)) {
      const written = write(field, root);
      shape[name] = field.optional ? written.optional() : written;
    }
    return open ? z.looseObject(shape) : z.object(shape);
  },
  nullable: ({ inner }, root) => write(inner, root).nullable(),
  default: ({ inner, value }, root) => write(inner, root).default(value),
  union: ({ options }, root) => z.union(options.map((option) => write(option, root))),
  variant: ({ key, options }, root) =>
    z.discriminatedUnion(
      key,
      options.map((option) => write(option, root)),
    ),
  both: ({ parts }, root) => z.intersection(...parts.map((part) => write(part, root))),
  self: (_node, root) => z.lazy(root),
};

function write(node, root) {
  const written = writers[node.kind](node, root);
  return node.description === undefined ? written : written.describe(node.description);
}

export function writeZod(node) {
  const schema = write(node, () => schema);
  return z.toJSONSchema(schema);
}
