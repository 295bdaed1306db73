import type { Command, Option } from "commander";

/** What may stand in place of the word that is being written. */
export interface Suggestion {
  value: string;
  description: string;
}

/**
 * Suggestions for a command line.
 *
 * @param words behind the program's name; the last is the one that is being written, and may be empty
 * @returns none where a file or a text belongs: shells then have their own
 */
export function suggest(program: Command, words: readonly string[]): Suggestion[] {
  const current = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  if (before.includes("--")) return [];
  const command = commandIn(program, before);
  const options = [...(command?.options ?? []), ...program.options].filter((each) => !each.hidden && each.long);
  const open = options.find((each) => takesValue(each) && each.long === before.at(-1));
  return candidates(program, command, options, open, current).filter(({ value }) => value.startsWith(current));
}

function candidates(
  program: Command,
  command: Command | undefined,
  options: readonly Option[],
  open: Option | undefined,
  current: string,
): Suggestion[] {
  if (open !== undefined) return values(open.argChoices ?? []);
  if (current.startsWith("-")) {
    const help = { value: "--help", description: "display help" };
    return [...options.map(({ long, description }) => ({ value: long!, description })), help];
  }
  if (command !== undefined) return values(command.registeredArguments[0]?.argChoices ?? []);
  return program.commands.map((each) => ({ value: each.name(), description: each.description() }));
}

function values(choices: readonly string[]): Suggestion[] {
  return choices.map((value) => ({ value, description: "" }));
}

/** The command that is named: the first word that is neither a flag nor its value. */
function commandIn(program: Command, words: readonly string[]): Command | undefined {
  const isValue = (i: number) => program.options.some((each) => takesValue(each) && each.long === words[i - 1]);
  const name = words.find((word, i) => !word.startsWith("-") && !isValue(i));
  return program.commands.find((each) => each.name() === name);
}

function takesValue(option: Option): boolean {
  return !option.isBoolean() && !option.negate;
}
