/** Whether a text stands somewhere in a prompt, as a template may write it. */

import type { Literals } from "./jinja/literals.js";

/** What a template may do to a text. */
export interface TextRules {
  /** What the template spells; what it cuts out may be gone. */
  literals: Literals;
  /** Whether all up to the end of a reasoning may be gone. */
  mayLoseReasoning: boolean;
}

const blank = /\s/;

/** A text, and what is left of it where one piece, or one after the other, is cut out wherever it stands. */
function remains(text: string, { cut }: Literals): string[] {
  const left = new Set([text]);
  let rest = text;
  for (const literal of cut) {
    // Single letters would excuse everything.
    if (literal.trim().length < 3 || !text.includes(literal)) continue;
    left.add(text.replaceAll(literal, ""));
    rest = rest.replaceAll(literal, "");
    left.add(rest);
  }
  return [...left];
}

/** The forms in which a text may be written: as it is, in JSON, in JSON of ASCII alone, as Python's repr() has it. */
function forms(text: string): string[] {
  const json = JSON.stringify(text).slice(1, -1);

  const ascii = json.replace(/[^\x00-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const python = json.replaceAll('\\"', '"');
  return [...new Set([text, json, ascii, python, python.replaceAll("'", "\\'")])];
}

/**
 * How much of `text`, counted from its end, stands at the end of `written`; white space aside.
 *
 * @returns the index in `text` from which on it stands there
 */
function matchBackwards(written: string, text: string): number {
  let [i, j] = [written.length, text.length];
  for (;;) {
    while (j > 0 && blank.test(text[j - 1]!)) j--;
    while (i > 0 && blank.test(written[i - 1]!)) i--;
    if (j === 0) return 0;
    if (i === 0 || written[i - 1] !== text[j - 1]) return j;
    i--;
    j--;
  }
}

/** Whether all of `text` stands at the beginning of `written`; white space aside. */
function matchForwards(written: string, text: string): boolean {
  let [i, j] = [0, 0];
  for (;;) {
    while (j < text.length && blank.test(text[j]!)) j++;
    while (i < written.length && blank.test(written[i]!)) i++;
    if (j === text.length) return true;
    if (written[i] !== text[j]) return false;
    i++;
    j++;
  }
}

/** What a closing tag's letters have in place of those of the opening one. */
const openings: readonly (readonly [RegExp, string])[] = [
  [/\//, ""],
  [/END/, "START"],
  [/END/, "BEGIN"],
  [/end/, "start"],
  [/end/, "begin"],
  [/close/, "open"],
  [/suffix/, "prefix"],
];

/** Where a reasoning with which a text begins may end: behind a closing tag, where nothing stands before the opening one. */
function reasoningEnds(text: string, literals: readonly string[]): number[] {
  const start = text.length - text.trimStart().length;
  return literals.flatMap((literal) => {
    const closing = literal.trim();
    const at = /^\W.+\W$/s.test(closing) ? text.lastIndexOf(closing) : -1;
    if (at < 0) return [];
    const end = at + closing.length;
    // A tag that only opens is none that closes.
    const opened = openings.filter(([pattern]) => pattern.test(closing));
    const begins = opened.map(([pattern, by]) => text.lastIndexOf(closing.replace(pattern, by), at));
    return opened.length > 0 && begins.every((begin) => begin <= start) ? [end] : [];
  });
}

/** Whether a text, or what may be left of it, is there. */
export const holdsText = {
  /** At the end of what was written. */
  before(written: string, text: string, { literals, mayLoseReasoning }: TextRules): boolean {
    if (written.endsWith(text)) return true;
    const left = remains(text, literals).flatMap(forms);
    if (left.some((form) => matchBackwards(written, form) === 0)) return true;
    if (!mayLoseReasoning) return false;
    return forms(text).some((form) => {
      const from = matchBackwards(written, form);
      return reasoningEnds(form, literals.all).some((end) => end >= from);
    });
  },

  /** At the beginning of what was written. */
  after(written: string, text: string, { literals }: TextRules): boolean {
    if (written.startsWith(text)) return true;
    return remains(text, literals)
      .flatMap(forms)
      .some((form) => matchForwards(written, form));
  },

  /** Anywhere. */
  anywhere(written: string, text: string, rules: TextRules): boolean {
    const squeeze = (value: string) => value.replace(/\s+/g, "");
    const whole = squeeze(written);
    const within = (value: string) => forms(value).some((form) => whole.includes(squeeze(form)));
    if (within(text)) return true;
    if (!rules.mayLoseReasoning) return false;
    return reasoningEnds(text, rules.literals.all).some((end) => within(text.slice(end)));
  },
};
