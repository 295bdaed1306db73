/** A file that says what flags say: `{ "chat": { "temperature": 0.2 } }`, the names of commands and of their flags. */
import process from "node:process";
import { InvalidArgumentError, type Command, type Option } from "commander";
import { MedInferError } from "medinfer";
import { isEmptyValue } from "../flags/empty-values.js";
import { readJson } from "../input.js";
import { didYouMean, shownName } from "../nearest.js";
import { shortenPath } from "../shorten.js";

type Fields = Readonly<Record<string, unknown>>;

/** What has no place in the file: it is of one call alone. */
const notInFiles = ["help", "version", "config"];

/**
 * Fills in what the command line and the environment leave open.
 *
 * @param command the one that runs
 * @throws MedInferError (rejects) `INVALID_ARGUMENT`: a name is unknown, a value not the flag's, in any command's part
 */
export async function applyConfigFile(program: Command, command: Command): Promise<void> {
  const { config = process.env.MEDINFER_CONFIG } = program.opts<{ config?: string }>();
  if (!config) return;
  const file = shortenPath(config);
  const content = fieldsOf(await readJson(config), file);
  const names = program.commands.map((each) => each.name());
  for (const [name, given] of Object.entries(content)) {
    const owner = program.commands.find((each) => each.name() === name);
    if (owner === undefined) throw wrong(`${file}: ${shownName(name)} is no command${didYouMean(name, names)}`);
    const place = `${file}: ${name}`;
    for (const { option, value } of readOptions(owner, fieldsOf(given, place), place)) {
      if (owner === command && isOpen(command, option)) {
        command.setOptionValueWithSource(option.attributeName(), value, "config");
      }
    }
  }
}

function fieldsOf(value: unknown, place: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw wrong(`${place} has to be an object`);
}

function readOptions(command: Command, fields: Fields, place: string): { option: Option; value: unknown }[] {
  const options = new Map(command.options.flatMap((each) => (each.long ? [[each.long.slice(2), each]] : [])));
  for (const name of notInFiles) options.delete(name);
  return Object.entries(fields).map(([name, given]) => {
    const option = options.get(name);
    if (option === undefined) {
      throw wrong(`${place}: ${shownName(name)} is no flag of it${didYouMean(name, [...options.keys()])}`);
    }
    return { option, value: valueOf(option, given, `${place}.${name}`) };
  });
}

function valueOf(option: Option, given: unknown, place: string): unknown {
  if (option.isBoolean() || option.negate) {
    if (typeof given !== "boolean") throw wrong(`${place} has to be true or false`);
    return option.negate ? !given : given;
  }
  if (given === null || given === undefined) throw wrong(`${place} has no value`);
  // As the command line would give it; what stands in a list, one by one.
  const texts = (Array.isArray(given) ? given : [given]).map((each) =>
    typeof each === "string" ? each : JSON.stringify(each),
  );
  if (isEmptyValue(option, texts)) throw wrong(`${place} is empty: give a value, or leave it out`);
  try {
    if (option.parseArg === undefined) {
      if (texts.length !== 1) throw new InvalidArgumentError("It has to be one value.");
      return texts[0];
    }
    let value: unknown;
    for (const text of texts) value = option.parseArg(text, value);
    return value;
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw wrong(`${place}: ${error.message}`);
    throw error;
  }
}

/** Whether neither the command line nor the environment says it, nor another flag that excludes it. */
function isOpen(command: Command, option: Option): boolean {
  const isGiven = (name: string) => ["cli", "env"].includes(command.getOptionValueSource(name) ?? "");
  if (isGiven(option.attributeName())) return false;
  return !command.options.some((each) => isGiven(each.attributeName()) && excludes(each, option));
}

function excludes(one: Option, other: Option): boolean {
  const conflicts = (option: Option) => (option as unknown as { conflictsWith: string[] }).conflictsWith;
  return conflicts(one).includes(other.attributeName()) || conflicts(other).includes(one.attributeName());
}

function wrong(message: string): MedInferError {
  return new MedInferError("INVALID_ARGUMENT", message);
}
