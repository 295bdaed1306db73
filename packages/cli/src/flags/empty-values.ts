/** Values that are there and say nothing: most often a variable of a shell that is not set. */
import type { Command, Option } from "commander";

/** Of these flags an empty text says something: that there is none of it. */
const mayBeEmpty = new Set(["--system", "--input-prefix", "--input-suffix"]);

export function isEmptyValue(option: Option, value: unknown): boolean {
  if (mayBeEmpty.has(option.long ?? "")) return false;
  return value === "" || (Array.isArray(value) && value.includes(""));
}

/**
 * Refuses flags and arguments of the command line that are empty. What comes from the environment may be: such a variable is as
 * one that is not there.
 *
 * @throws CommanderError wrong usage
 */
export function refuseEmptyValues(command: Command): void {
  for (let each: Command | null = command; each !== null; each = each.parent) {
    const empty = each.options.find((option) => {
      const name = option.attributeName();
      return command.getOptionValueSourceWithGlobals(name) === "cli" && isEmptyValue(option, each.getOptionValue(name));
    });
    if (empty !== undefined) command.error(`option '${empty.flags}' has an empty value: give one, or leave it out`);
  }
  // No text has no tokens: that is an answer.
  if (command.name() === "tokenize") return;
  const index = command.args.indexOf("");
  if (index < 0) return;
  const { registeredArguments: known } = command;
  command.error(`argument '${(known[index] ?? known.at(-1))?.name()}' is empty: give one, or leave it out`);
}
