/** Macros, and the callers of call blocks. */
import { TemplateRuntimeError } from "./errors.js";
import type { Routine, Slot } from "./nodes.js";
import { Callable, Dict, Tuple, Undefined, type Keywords, type Value } from "./values.js";

/** A part of a template that can be called. Its arguments are bound as Jinja does: who gives fewer gets the defaults. */
export class Macro extends Callable {
  override readonly type = "Macro";

  /** @param run writes the body with these values in its slots */
  constructor(name: string, routine: Routine, run: (bound: [Slot, Value | undefined][]) => string) {
    super(name, (args, keywords) => run(bindRoutine(name, routine, args, keywords)));
  }
}

function bindRoutine(
  name: string,
  routine: Routine,
  args: readonly Value[],
  keywords: Keywords,
): [Slot, Value | undefined][] {
  const { parameters, caller, kwargs, varargs } = routine;
  const rest = new Map(keywords);
  const bound = parameters.map((parameter, i): [Slot, Value | undefined] => {
    if (i < args.length) return [parameter.slot!, args[i]!];
    const value = rest.get(parameter.name);
    rest.delete(parameter.name);
    return [parameter.slot!, value];
  });
  if (caller !== undefined) {
    bound.push([caller, rest.get("caller") ?? new Undefined("No caller defined")]);
    rest.delete("caller");
  }
  if (kwargs !== undefined) bound.push([kwargs, Dict.from(rest)]);
  else if (rest.size > 0)
    throw new TemplateRuntimeError(`macro '${name}' takes no keyword argument '${[...rest.keys()][0]}'`);
  if (varargs !== undefined) bound.push([varargs, new Tuple(args.slice(parameters.length))]);
  else if (args.length > parameters.length) {
    throw new TemplateRuntimeError(`macro '${name}' takes not more than ${parameters.length} arguments`);
  }
  return bound;
}
