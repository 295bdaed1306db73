/** The attributes of values: what `value.name` finds before it looks for a key. */
import { bind, positional, toIndex, unsupported } from "./arguments.js";
import { equals } from "./compare.js";
import { TemplateRuntimeError } from "./errors.js";
import { iterate } from "./iterate.js";
import { strMethods } from "./methods-str.js";
import type { Runtime } from "./runtime.js";
import {
  Callable,
  Dict,
  DictView,
  Markup,
  Namespace,
  Range,
  Tuple,
  Undefined,
  type Keywords,
  type Value,
} from "./values.js";

type Call = (args: readonly Value[], keywords: Keywords) => Value;

/** What Python has, and a template that can change nothing may not call: it is there, but fails. */
const forbidden: Readonly<Record<string, ReadonlySet<string>>> = {
  list: new Set("append clear extend insert pop remove reverse sort".split(" ")),
  dict: new Set("clear pop popitem setdefault update".split(" ")),
};

/** What Python has and this interpreter has not. */
const missing: Readonly<Record<string, ReadonlySet<string>>> = {
  str: new Set("casefold encode isidentifier maketrans translate".split(" ")),
  int: new Set("as_integer_ratio bit_count conjugate from_bytes to_bytes".split(" ")),
  float: new Set("as_integer_ratio conjugate fromhex hex".split(" ")),
  range: new Set(["count", "index"]),
  dict_keys: new Set(["isdisjoint", "mapping"]),
  dict_items: new Set(["isdisjoint", "mapping"]),
  dict_values: new Set(["mapping"]),
  generator: new Set(["close", "send", "throw", "gi_code", "gi_frame", "gi_running", "gi_suspended", "gi_yieldfrom"]),
  Macro: new Set(["name", "arguments", "caller", "catch_kwargs", "catch_varargs", "explicit_caller"]),
};

/** getattr(value, name); undefined: there is none, and a key may be meant. */
export function attributeOf(value: Value, name: string, runtime: Runtime): Value | undefined {
  if (value instanceof Undefined) value.fail();
  if (value instanceof Namespace) return value.attributes.get(name);
  if (name.startsWith("__") && name.endsWith("__") && name.length > 4) return hidden(name, value);
  if (typeof value === "string") return method(strMethods, "str", value, name, runtime);
  if (value instanceof Markup) {
    if (Object.hasOwn(strMethods, name)) return unsupported(`${name}() of a text that was marked safe`);
    return undefined;
  }
  if (Array.isArray(value)) return sequenceMethod("list", value, name, runtime);
  if (value instanceof Tuple) {
    const field = value.fields.indexOf(name);
    return field >= 0 ? value.items[field] : sequenceMethod("tuple", value.items, name, runtime);
  }
  if (value instanceof Dict) return dictMethod(value, name);
  if (typeof value === "bigint" || typeof value === "boolean") return intAttribute(BigInt(value), name);
  if (typeof value === "number") return floatAttribute(value, name);
  if (value instanceof Range && ["start", "stop", "step"].includes(name)) return value[name as "start"];
  if (value === null) return undefined;
  const own = value.attribute(name);
  if (own === undefined && missing[value.type]?.has(name)) return unsupported(`${value.type}.${name}`);
  return own;
}

const internal = new Set(
  (
    "__class__ __init__ __doc__ __dict__ __module__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __hash__ __new__ __repr__ " +
    "__str__ __len__ __iter__ __contains__ __getitem__ __getattribute__ __setattr__ __delattr__ __dir__ __format__ " +
    "__reduce__ __reduce_ex__ __sizeof__ __subclasshook__ __init_subclass__ __call__ __add__ __mul__ __class_getitem__"
  ).split(" "),
);

/** Python's own machinery is there, but hidden from templates. */
function hidden(name: string, value: Value): Value | undefined {
  return value !== null && internal.has(name) ? forbid(name) : undefined;
}

function forbid(name: string): Value {
  return new Undefined(`access to the attribute "${name}" is unsafe`);
}

function lookUp(type: string, name: string): Value | undefined {
  if (forbidden[type]?.has(name)) return forbid(name);
  return missing[type]?.has(name) ? unsupported(`${type}.${name}`) : undefined;
}

const callable = (name: string, call: Call) => new Callable(name, call);

function method(methods: typeof strMethods, type: string, text: string, name: string, runtime: Runtime) {
  const found = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (found === undefined) return lookUp(type, name);
  return callable(name, (args, keywords) => found(text, args, keywords, runtime));
}

function sequenceMethod(type: string, items: readonly Value[], name: string, runtime: Runtime): Value | undefined {
  const same = (wanted: Value) => (item: Value) => equals(item, wanted, runtime.budget);
  if (name === "count") {
    return callable(name, (args, keywords) => {
      return BigInt(items.filter(same(positional(name, ["value"], args, keywords).get("value", null))).length);
    });
  }
  if (name === "index") {
    return callable(name, (args, keywords) => {
      const given = positional(name, ["value", "start?", "stop?"], args, keywords);
      const at = (value: Value) => {
        const i = toIndex(value, name);
        return i < 0 ? Math.max(i + items.length, 0) : i;
      };
      const stop = at(given.get("stop", BigInt(items.length)));
      const wanted = same(given.get("value", null));
      for (let i = at(given.get("start", 0n)); i < Math.min(stop, items.length); i++) {
        if (wanted(items[i]!)) return BigInt(i);
      }
      throw new TemplateRuntimeError("index(): the value is not in the list");
    });
  }
  if (name === "copy" && type === "list") {
    return callable(name, (args, keywords) => {
      positional(name, [], args, keywords);
      runtime.budget.allocate(items.length);
      return [...items];
    });
  }
  return lookUp(type, name);
}

function dictMethod(dict: Dict, name: string): Value | undefined {
  switch (name) {
    case "get":
      return callable(name, (args, keywords) => {
        const given = positional(name, ["key", "default?"], args, keywords);
        const found = dict.get(given.get("key", null));
        return found === undefined ? given.get("default", null) : found;
      });
    case "items":
    case "keys":
    case "values":
      return callable(name, (args, keywords) => {
        positional(name, [], args, keywords);
        return new DictView(dict, name);
      });
    case "copy":
      return callable(name, (args, keywords) => {
        positional(name, [], args, keywords);
        return Dict.from(dict.entries());
      });
    case "fromkeys":
      return callable(name, fromKeys);
    default:
      return lookUp("dict", name);
  }
}

/** dict.fromkeys() */
export function fromKeys(args: readonly Value[], keywords: Keywords): Dict {
  const given = positional("fromkeys", ["iterable", "value?"], args, keywords);
  const dict = new Dict();
  for (const key of iterate(given.get("iterable", null))) dict.set(key, given.get("value", null));
  return dict;
}

function intAttribute(value: bigint, name: string): Value | undefined {
  if (name === "real" || name === "numerator") return value;
  if (name === "imag") return 0n;
  if (name === "denominator") return 1n;
  if (name === "bit_length") {
    return callable(name, (args, keywords) => {
      positional(name, [], args, keywords);
      return value === 0n ? 0n : BigInt((value < 0n ? -value : value).toString(2).length);
    });
  }
  return lookUp("int", name);
}

function floatAttribute(value: number, name: string): Value | undefined {
  if (name === "real") return value;
  if (name === "imag") return 0;
  if (name === "is_integer") {
    return callable(name, (args, keywords) => {
      positional(name, [], args, keywords);
      return Number.isInteger(value);
    });
  }
  return lookUp("float", name);
}

/** dict(): of pairs or another dict, and of keywords. */
export function makeDict(args: readonly Value[], keywords: Keywords): Dict {
  const given = bind("dict", ["source?"], args, new Map());
  const dict = new Dict();
  const source = given.get("source", null);
  if (source instanceof Dict) for (const [key, value] of source.entries()) dict.set(key, value);
  else if (given.has("source")) {
    for (const pair of iterate(source)) {
      const items = [...iterate(pair)];
      if (items.length !== 2) throw new TemplateRuntimeError("dict() takes pairs");
      dict.set(items[0]!, items[1]!);
    }
  }
  for (const [key, value] of keywords) dict.set(key, value);
  return dict;
}
