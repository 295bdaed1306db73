/** Jinja's filters of sequences. What they give is read when it is needed, as Python's generators are. */
import type { Budget } from "../budget.js";
import { equals, lessThan, truthy } from "../compare.js";
import { TemplateRuntimeError } from "../errors.js";
import { iterate, lengthOf } from "../iterate.js";
import { binary } from "../operators.js";
import type { Runtime } from "../runtime.js";
import { characters } from "../text.js";
import {
  Dict,
  DictView,
  hashKey,
  Iter,
  Range,
  textOf,
  Tuple,
  typeName,
  Undefined,
  type Keywords,
  type Value,
} from "../values.js";
import { attributeGetter, filter, ignoreCase, itemsOf, type Filter } from "./common.js";

/** Elements one by one, each a step. */
function* stepped(value: Value, runtime: Runtime): Generator<Value> {
  for (const item of iterate(value)) {
    runtime.budget.step();
    yield item;
  }
}

/** Sorts by keys; equal ones keep their order, reversed or not. */
function sortBy(items: Value[], key: (item: Value) => Value, reverse: boolean, runtime: Runtime): Value[] {
  const keyed = items.map((item) => ({ item, key: key(item) }));
  const compare = (a: Value, b: Value) => {
    if (lessThan(a, b, runtime.budget)) return -1;
    return lessThan(b, a, runtime.budget) ? 1 : 0;
  };
  keyed.sort((a, b) => (reverse ? compare(b.key, a.key) : compare(a.key, b.key)));
  return keyed.map(({ item }) => item);
}

const caseOf = (sensitive: boolean) => (sensitive ? (value: Value) => value : ignoreCase);

const sort = filter("sort", ["reverse?", "case_sensitive?", "attribute?"], (value, given, runtime) => {
  const attribute = given.get("attribute", null);
  const paths = textOf(attribute)?.split(",") ?? [attribute];
  const getters = paths.map((path) => attributeGetter(path, runtime));
  const fold = caseOf(given.flag("case_sensitive"));
  return sortBy(
    itemsOf(value, runtime),
    (item) => getters.map((get) => fold(get(item))),
    given.flag("reverse"),
    runtime,
  );
});

const dictsort = filter("dictsort", ["case_sensitive?", "by?", "reverse?"], (value, given, runtime) => {
  const by = textOf(given.get("by", "key"));
  if (by !== "key" && by !== "value") {
    throw new TemplateRuntimeError('You can only sort by either "key" or "value"');
  }
  if (!(value instanceof Dict)) return notFor("dictsort", value);
  const fold = caseOf(given.flag("case_sensitive"));
  const pairs = [...value.entries()].map((entry) => new Tuple([...entry]));
  const key = (pair: Value) => fold((pair as Tuple).items[by === "key" ? 0 : 1]!);
  return sortBy(pairs, key, given.flag("reverse"), runtime);
});

function notFor(name: string, value: Value): never {
  if (value instanceof Undefined) value.fail();
  throw new TemplateRuntimeError(`the filter ${name} is not for values of the type '${typeName(value)}'`);
}

const unique = filter("unique", ["case_sensitive?", "attribute?"], (value, given, runtime) => {
  const get = attributeGetter(given.get("attribute", null), runtime);
  const fold = caseOf(given.flag("case_sensitive"));
  return new Iter(
    (function* () {
      const seen = new Set<unknown>();
      for (const item of stepped(value, runtime)) {
        const key = hashKey(fold(get(item)));
        if (seen.has(key)) continue;
        seen.add(key);
        yield item;
      }
    })(),
  );
});

function extreme(name: string, better: (a: Value, b: Value, budget: Budget) => boolean): Filter {
  return filter(name, ["case_sensitive?", "attribute?"], (value, given, runtime) => {
    const get = attributeGetter(given.get("attribute", null), runtime);
    const fold = caseOf(given.flag("case_sensitive"));
    let best: { item: Value; key: Value } | undefined;
    for (const item of stepped(value, runtime)) {
      const key = fold(get(item));
      if (best === undefined || better(key, best.key, runtime.budget)) best = { item, key };
    }
    return best === undefined ? new Undefined("No aggregated item, sequence was empty.") : best.item;
  });
}

const groupby = filter("groupby", ["attribute", "default?", "case_sensitive?"], (value, given, runtime) => {
  const get = attributeGetter(given.get("attribute", null), runtime, given.get("default", null));
  const fold = caseOf(given.flag("case_sensitive"));
  const key = (item: Value) => fold(get(item));
  const groups: { key: Value; items: Value[] }[] = [];
  for (const item of sortBy(itemsOf(value, runtime), key, false, runtime)) {
    const last = groups.at(-1);
    const own = key(item);
    if (last !== undefined && equals(last.key, own, runtime.budget)) last.items.push(item);
    else groups.push({ key: own, items: [item] });
  }
  return groups.map((group) => new Tuple([get(group.items[0]!), group.items], ["grouper", "list"]));
});

const sum = filter("sum", ["attribute?", "start?"], (value, given, runtime) => {
  const attribute = given.get("attribute", null);
  const get = attribute === null ? (item: Value) => item : attributeGetter(attribute, runtime);
  let total = given.get("start", 0n);
  if (textOf(total) !== undefined) throw new TemplateRuntimeError("sum() can't sum strings");
  for (const item of stepped(value, runtime)) total = binary("+", total, get(item), runtime.budget);
  return total;
});

const map: Filter = (runtime, value, args, keywords) => new Iter(mapped(runtime, value, args, keywords));

function* mapped(runtime: Runtime, value: Value, args: readonly Value[], keywords: Keywords): Generator<Value> {
  if (!truthy(value)) return;
  const apply = mapper(runtime, args, keywords);
  for (const item of stepped(value, runtime)) yield apply(item);
}

function mapper(runtime: Runtime, args: readonly Value[], keywords: Keywords): (item: Value) => Value {
  if (args.length === 0 && keywords.has("attribute")) {
    const strange = [...keywords.keys()].find((key) => key !== "attribute" && key !== "default");
    if (strange !== undefined) throw new TemplateRuntimeError(`Unexpected keyword argument '${strange}'`);
    return attributeGetter(keywords.get("attribute")!, runtime, keywords.get("default"));
  }
  if (args.length === 0) throw new TemplateRuntimeError("map requires a filter argument");
  const name = nameOf(args[0]!, "filter");
  return (item) => runtime.filter(name, item, args.slice(1), keywords);
}

function nameOf(value: Value, what: string): string {
  const name = textOf(value);
  if (name === undefined) throw new TemplateRuntimeError(`a ${what} is named by a text, not '${typeName(value)}'`);
  return name;
}

/** select, reject, selectattr and rejectattr. */
function choose(wanted: boolean, byAttribute: boolean): Filter {
  return (runtime, value, args, keywords) =>
    new Iter(
      (function* () {
        if (!truthy(value)) return;
        if (byAttribute && args.length === 0) throw new TemplateRuntimeError("Missing parameter for attribute name");
        const get = byAttribute ? attributeGetter(args[0]!, runtime) : (item: Value) => item;
        const [test, ...rest] = byAttribute ? args.slice(1) : args;
        const name = test === undefined ? undefined : nameOf(test, "test");
        for (const item of stepped(value, runtime)) {
          const seen = get(item);
          const passes = name === undefined ? truthy(seen) : runtime.test(name, seen, rest, keywords);
          if (passes === wanted) yield item;
        }
      })(),
    );
}

const reverse = filter("reverse", [], (value, _, runtime) => {
  const text = textOf(value);
  if (text !== undefined) {
    runtime.budget.allocate(text.length);
    return Array.from(text).reverse().join("");
  }
  const items = itemsOf(value, runtime).reverse();
  return isReversible(value) ? new Iter(items.values()) : items;
});

/** Whether Python's reversed() takes it; of the others a list is made. */
const isReversible = (value: Value) =>
  Array.isArray(value) || [Tuple, Dict, DictView, Range, Undefined].some((kind) => value instanceof kind);

const batch = filter("batch", ["linecount", "fill_with?"], (value, given, runtime) => {
  const size = given.integer("linecount");
  const fill = given.get("fill_with", null);
  return new Iter(
    (function* () {
      let line: Value[] = [];
      for (const item of stepped(value, runtime)) {
        if (line.length === size) {
          yield line;
          line = [];
        }
        line.push(item);
      }
      if (line.length === 0) return;
      if (fill !== null && line.length < size) {
        runtime.budget.allocate(size);
        line = [...line, ...Array.from({ length: size - line.length }, () => fill)];
      }
      yield line;
    })(),
  );
});

const slice = filter("slice", ["slices", "fill_with?"], (value, given, runtime) => {
  const slices = given.integer("slices");
  const fill = given.get("fill_with", null);
  return new Iter(
    (function* () {
      const items = itemsOf(value, runtime);
      if (slices === 0) throw new TemplateRuntimeError("integer division or modulo by zero");
      const each = Math.floor(items.length / slices);
      const extra = items.length % slices;
      for (let i = 0, from = 0; i < slices; i++) {
        runtime.budget.step(4);
        runtime.budget.allocateElements(2);
        const to = from + each + (i < extra ? 1 : 0);
        const part = items.slice(from, to);
        if (fill !== null && i >= extra) part.push(fill);
        yield part;
        from = to;
      }
    })(),
  );
});

const first = filter("first", [], (value) => {
  const next = iterate(value).next();
  return next.done === true ? new Undefined("No first item, sequence was empty.") : next.value;
});

const last = filter("last", [], (value) => {
  const text = textOf(value);
  const nothing = new Undefined("No last item, sequence was empty.");
  if (text !== undefined) return characters(text).at(-1) ?? nothing;
  if (Array.isArray(value)) return value.length > 0 ? value.at(-1)! : nothing;
  if (value instanceof Undefined) return nothing;
  if (!isReversible(value)) return notFor("last", value);
  const items = [...iterate(value)];
  return items.length > 0 ? items.at(-1)! : nothing;
});

const length = filter("length", [], (value) => {
  const n = lengthOf(value);
  return n === undefined ? notFor("length", value) : BigInt(n);
});

const items = filter("items", [], (value, _, runtime) => {
  if (value instanceof Undefined) return new Iter([].values());
  if (!(value instanceof Dict)) {
    // Python tells only when the pairs are asked for.
    return new Iter(
      (function* (): Generator<Value> {
        yield notFor("items", value);
      })(),
    );
  }
  return new Iter(stepped(new DictView(value, "items"), runtime));
});

/** By name. */
export const sequenceFilters: Readonly<Record<string, Filter>> = {
  batch,
  count: length,
  dictsort,
  first,
  groupby,
  items,
  last,
  length,
  list: filter("list", [], (value, _, runtime) => itemsOf(value, runtime)),
  map,
  max: extreme("max", (a, b, budget) => lessThan(b, a, budget)),
  min: extreme("min", (a, b, budget) => lessThan(a, b, budget)),
  reject: choose(false, false),
  rejectattr: choose(false, true),
  reverse,
  select: choose(true, false),
  selectattr: choose(true, true),
  slice,
  sort,
  sum,
  unique,
};
