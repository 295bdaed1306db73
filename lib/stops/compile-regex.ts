/** From a regular expression to the program that finds it in a stream. */
import { RegExpParser, type AST } from "@eslint-community/regexpp";
import { isAtom, isCharacter, lineEnd, lineStart, textEnd, textStart, wordBoundary } from "./characters.js";
import { MAX_INSTRUCTIONS, type Assertion, type Instruction, type Program } from "./program.js";

/** A regular expression that cannot be looked for in a stream. The message completes "it …". */
export class UnsupportedRegex extends Error {}

/** Longer ones are no stops, and the compiler's recursion needs an end. */
const MAX_LENGTH = 1000;

/**
 * Compiles it.
 *
 * A backtracking search would have to begin anew with every piece of text, and some patterns make it take for ever. So
 * the pattern is parsed and becomes an automaton, which looks at each character once. What needs more than an automaton,
 * or looks further ahead than one character, is refused.
 *
 * @throws UnsupportedRegex
 */
export function compileRegex(regex: RegExp | string): Program {
  const { source, flags } = parsed(regex);
  if (source.length > MAX_LENGTH) throw new UnsupportedRegex(`must have at most ${MAX_LENGTH} characters`);
  if (/[gy]/.test(flags)) throw new UnsupportedRegex("must not have the flag g or y: a stop has no last index");
  const compiler = new Compiler(flags);
  compiler.alternatives(alternativesOf(source, flags));
  const instructions = compiler.finish();
  if (matchesEmpty(instructions)) throw new UnsupportedRegex("must not match the empty text");
  return { instructions, codePoints: /[uv]/.test(flags) };
}

function parsed(regex: RegExp | string): { source: string; flags: string } {
  try {
    return typeof regex === "string" ? new RegExp(regex) : regex;
  } catch {
    throw new UnsupportedRegex("must be a valid regular expression");
  }
}

function alternativesOf(source: string, flags: string): readonly AST.Alternative[] {
  const modes = { unicode: flags.includes("u"), unicodeSets: flags.includes("v") };
  try {
    return new RegExpParser().parsePattern(source, 0, source.length, modes).alternatives;
  } catch {
    throw new UnsupportedRegex("must not use syntax newer than ECMAScript 2025");
  }
}

class Compiler {
  readonly #flags: string;
  readonly #instructions: Instruction[] = [];

  constructor(flags: string) {
    this.#flags = flags;
  }

  finish(): Instruction[] {
    this.#emit({ op: "match" });
    return this.#instructions;
  }

  alternatives(alternatives: readonly AST.Alternative[]): void {
    const ends: number[][] = [];
    alternatives.forEach(({ elements }, i) => {
      const last = i === alternatives.length - 1;
      const to = last ? undefined : this.#split();
      to?.push(this.#here);
      for (const element of elements) this.#element(element);
      if (to === undefined) return;
      ends.push(this.#split());
      to.push(this.#here);
    });
    for (const to of ends) to.push(this.#here);
  }

  #element(element: AST.Element): void {
    switch (element.type) {
      case "Group":
        if (element.modifiers !== null) throw new UnsupportedRegex("must not change flags inside a group");
        this.alternatives(element.alternatives);
        break;
      case "CapturingGroup":
        this.alternatives(element.alternatives);
        break;
      case "Quantifier":
        this.#quantifier(element);
        break;
      case "Assertion":
        this.#assertion(element);
        break;
      case "Backreference":
        throw new UnsupportedRegex("must not have backreferences");
      case "Character":
        this.#emit({ op: "char", test: isCharacter(element.value, this.#flags) });
        break;
      case "CharacterSet":
      case "CharacterClass":
      case "ExpressionCharacterClass":
        if (holdsStrings(element)) throw new UnsupportedRegex("must not have classes that hold more than characters");
        this.#emit({ op: "char", test: isAtom(element.raw, this.#flags) });
        break;
    }
  }

  /** Greedy or not is the same here: any way to match ends the text. */
  #quantifier({ min, max, element }: AST.Quantifier): void {
    for (let i = 0; i < min; i++) {
      const before = this.#here;
      this.#element(element);
      if (this.#here === before) return; // an empty group, any number of times
    }
    if (max === Infinity) {
      const again = this.#here;
      const to = this.#split();
      to.push(this.#here);
      this.#element(element);
      this.#split().push(again);
      to.push(this.#here);
      return;
    }
    const ends: number[][] = [];
    for (let i = min; i < max; i++) {
      const to = this.#split();
      to.push(this.#here);
      ends.push(to);
      const before = this.#here;
      this.#element(element);
      if (this.#here === before) break;
    }
    for (const to of ends) to.push(this.#here);
  }

  #assertion(node: AST.Assertion): void {
    const multiline = this.#flags.includes("m");
    let assertion: Assertion;
    switch (node.kind) {
      case "lookahead":
      case "lookbehind":
        throw new UnsupportedRegex(`must not have a ${node.kind}`);
      case "start":
        assertion = multiline ? lineStart : textStart;
        break;
      case "end":
        assertion = multiline ? lineEnd : textEnd;
        break;
      case "word":
        assertion = wordBoundary(this.#flags, node.negate);
        break;
    }
    this.#emit({ op: "assert", assertion });
  }

  get #here(): number {
    return this.#instructions.length;
  }

  /** A split whose targets are still to be named. */
  #split(): number[] {
    const to: number[] = [];
    this.#emit({ op: "split", to });
    return to;
  }

  #emit(instruction: Instruction): void {
    if (this.#here >= MAX_INSTRUCTIONS) throw new UnsupportedRegex("is too large: write smaller repetitions");
    this.#instructions.push(instruction);
  }
}

/** Whether the match can be reached without a character, whatever stands around. */
function matchesEmpty(instructions: readonly Instruction[]): boolean {
  const seen = new Set([0]);
  for (const at of seen) {
    const instruction = instructions[at]!;
    if (instruction.op === "match") return true;
    if (instruction.op === "split") for (const to of instruction.to) seen.add(to);
    if (instruction.op === "assert") seen.add(at + 1);
  }
  return false;
}

/** Whether a class, as the flag `v` knows them, matches texts of several characters. */
function holdsStrings(
  node:
    AST.CharacterClassElement | AST.CharacterClass | AST.CharacterSet | AST.ClassIntersection | AST.ClassSubtraction,
): boolean {
  switch (node.type) {
    case "ClassStringDisjunction":
      return true;
    case "CharacterSet":
      return node.kind === "property" && node.strings;
    case "CharacterClass":
      return node.elements.some(holdsStrings);
    case "ExpressionCharacterClass":
      return holdsStrings(node.expression);
    case "ClassIntersection":
    case "ClassSubtraction":
      return holdsStrings(node.left) || holdsStrings(node.right);
    case "Character":
    case "CharacterClassRange":
      return false;
  }
}
