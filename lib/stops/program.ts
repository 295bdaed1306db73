/** What a stop looks like as a program for a {@link StopMachine}: a nondeterministic automaton. */

/** One step. `char` and `assert` go on with the instruction behind them. */
export type Instruction =
  | { op: "char"; test: CharTest }
  | { op: "assert"; assertion: Assertion }
  | { op: "split"; to: number[] }
  | { op: "match" };

/** Whether a character, by its code, is the one that is wanted. */
export type CharTest = (code: number) => boolean;

/** What must hold between two characters. `undefined`: the text begins or ends there. */
export interface Assertion {
  /** Whether it looks at what comes next, which a stream does not know yet. */
  looksAhead: boolean;
  holds(previous: number | undefined, next: number | undefined): boolean;
}

/** A stop, ready to be looked for. It never matches the empty text. */
export interface Program {
  instructions: readonly Instruction[];
  /** Whether a character is a code point, as with the flag `u`; otherwise it is a UTF-16 unit. */
  codePoints: boolean;
}

/** Most instructions of one program: what a machine does per character grows with them. */
export const MAX_INSTRUCTIONS = 5000;

/** A program that finds any of these texts. None may be empty. */
export function programOfTexts(texts: readonly string[]): Program {
  const starts: number[] = [];
  const instructions: Instruction[] = [{ op: "split", to: starts }];
  for (const text of texts) {
    starts.push(instructions.length);
    for (const character of text) {
      const wanted = character.codePointAt(0);
      instructions.push({ op: "char", test: (code) => code === wanted });
    }
    instructions.push({ op: "match" });
  }
  return { instructions, codePoints: true };
}
