/** Escapes what has a meaning in HTML, for the filters `e` and `safe`. */
import type { Budget } from "./budget.js";
import { str } from "./repr.js";
import { Markup, type Value } from "./values.js";

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&#39;",
  '"': "&#34;",
};

/** A value as a text that is safe; one that is marked so stays as it is. */
export function escape(value: Value, budget: Budget): Markup {
  if (value instanceof Markup) return value;
  const text = str(value, budget);
  budget.allocate(text.length);
  return new Markup(text.replace(/[&<>'"]/g, (character) => entities[character]!));
}
