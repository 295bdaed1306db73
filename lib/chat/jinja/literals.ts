/** The texts that a template spells. */
import type { Expression, Program } from "./nodes.js";

/** Constant texts of a template, each once, in the order in which they stand there. */
export interface Literals {
  /** All of them. */
  readonly all: readonly string[];
  /** Those that it may take out of other texts: what stands first in a replace(), startswith() or endswith(). */
  readonly cut: readonly string[];
}

/** Of a function, or a template that is not in Jinja. */
export const noLiterals: Literals = { all: [], cut: [] };

/** The literals of a parsed template. */
export function literalsOf(program: Program): Literals {
  const all = new Set<string>();
  const cut = new Set<string>();
  const walk = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    if (Array.isArray(node)) {
      for (const child of node) walk(child);
      return;
    }
    const text = constantText(node as Expression);
    if (text !== undefined) all.add(text);
    // What is replaced comes before what replaces it is replaced: inner calls first.
    for (const [key, child] of Object.entries(node)) if (!/slot$|frame$|^loop$/i.test(key)) walk(child);
    const replaced = replacedText(node as Expression);
    if (replaced !== undefined) cut.add(replaced);
  };
  walk(program.body);
  return { all: [...all], cut: [...cut] };
}

function constantText(node: Expression | undefined): string | undefined {
  return node?.type === "Constant" && typeof node.value === "string" && node.value !== "" ? node.value : undefined;
}

const cutters = new Set(["replace", "startswith", "endswith", "removeprefix", "removesuffix"]);

function replacedText(node: Expression): string | undefined {
  const isMethod = node.type === "Call" && node.callee.type === "Attribute" && cutters.has(node.callee.name);
  if (!isMethod && !(node.type === "Filter" && node.name === "replace")) return undefined;
  return constantText(node.args[0]);
}
