import type { Budget } from "./budget.js";
import type { Keywords, Value } from "./values.js";

/** What an expression needs beside its operands: attributes, items, filters, tests and calls, within one budget. */
export interface Runtime {
  readonly budget: Budget;
  /** The time that strftime_now() has. */
  readonly now: Date;

  /** `value.name` */
  getAttribute(value: Value, name: string): Value;
  /** `value[key]` */
  getItem(value: Value, key: Value): Value;
  /** `callee(…)` @throws TemplateRuntimeError where it cannot be called */
  call(callee: Value, args: readonly Value[], keywords: Keywords): Value;
  /** `value | name(…)` */
  filter(name: string, value: Value, args: readonly Value[], keywords: Keywords): Value;
  /** `value is name(…)` */
  test(name: string, value: Value, args: readonly Value[], keywords: Keywords): boolean;
}
