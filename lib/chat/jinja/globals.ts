/** What every chat template finds: the globals of Jinja and of transformers' apply_chat_template. */
import { bind, positional, toIndex, unsupported } from "./arguments.js";
import { TemplateRefusal, TemplateRuntimeError } from "./errors.js";
import { makeDict, fromKeys } from "./methods.js";
import { str } from "./repr.js";
import type { Runtime } from "./runtime.js";
import { strftime } from "./strftime.js";
import { textOf, Callable, Dict, Namespace, Range, type Keywords, type Value } from "./values.js";

/** Python's sandbox makes none that is longer. */
const MAX_RANGE = 100_000;

function range(args: readonly Value[], keywords: Keywords): Range {
  const given = positional("range", ["start", "stop?", "step?"], args, keywords);
  const int = (name: string, otherwise: bigint) =>
    given.has(name) ? BigInt(toIndex(given.get(name, null), name)) : otherwise;
  const first = int("start", 0n);
  const [start, stop] = given.has("stop") ? [first, int("stop", 0n)] : [0n, first];
  const step = int("step", 1n);
  if (step === 0n) throw new TemplateRuntimeError("range() arg 3 must not be zero");
  const made = new Range(start, stop, step);
  if (made.length > MAX_RANGE) throw new TemplateRuntimeError(`Range too big: more than ${MAX_RANGE}`);
  return made;
}

function namespace(args: readonly Value[], keywords: Keywords): Namespace {
  const made = new Namespace();
  for (const [name, value] of makeDict(args, keywords).entries())
    made.set(textOf(name) ?? unsupported("such a namespace"), value);
  return made;
}

/** cycler(): one of some values after the other. */
class Cycler extends Callable {
  override readonly type = "Cycler";
  #at = 0;

  constructor(readonly items: readonly Value[]) {
    super("cycler", () => {
      throw new TemplateRuntimeError("'Cycler' object is not callable");
    });
    if (items.length === 0) throw new TemplateRuntimeError("at least one item has to be provided");
  }

  override attribute(name: string): Value | undefined {
    if (name === "current") return this.items[this.#at]!;
    if (name === "reset") {
      return new Callable(name, () => {
        this.#at = 0;
        return null;
      });
    }
    if (name !== "next") return name === "items" || name === "pos" ? unsupported(`cycler.${name}`) : undefined;
    return new Callable(name, () => {
      const item = this.items[this.#at]!;
      this.#at = (this.#at + 1) % this.items.length;
      return item;
    });
  }
}

function joiner(args: readonly Value[], keywords: Keywords): Callable {
  const separator = bind("joiner", ["sep?"], args, keywords).get("sep", ", ");
  let used = false;
  return new Callable("joiner", () => {
    const text = used ? separator : "";
    used = true;
    return text;
  });
}

/** dict, which can be called and has one method. */
class DictType extends Callable {
  override readonly type = "TemplateDict";

  constructor() {
    super("dict", (args, keywords): Dict => makeDict(args, keywords));
  }

  override attribute(name: string): Value | undefined {
    return name === "fromkeys" ? new Callable(name, fromKeys) : undefined;
  }
}

/** The globals by name, anew for each rendering. */
export function makeGlobals(runtime: Runtime): Map<string, Value> {
  const functions: Record<string, (args: readonly Value[], keywords: Keywords) => Value> = {
    range,
    namespace,
    joiner,
    cycler: (args, keywords) => {
      positional("cycler", [], [], keywords);
      return new Cycler(args);
    },
    lipsum: () => unsupported("lipsum()"),
    raise_exception: (args, keywords) => {
      const message = bind("raise_exception", ["message"], args, keywords).get("message", null);
      throw new TemplateRefusal(str(message, runtime.budget));
    },
    strftime_now: (args, keywords) =>
      strftime(runtime.now, bind("strftime_now", ["format"], args, keywords).text("format")),
  };
  const globals = new Map<string, Value>([["dict", new DictType()]]);
  for (const [name, call] of Object.entries(functions)) globals.set(name, new Callable(name, call));
  return globals;
}
