import { Option, type Command } from "commander";
import { readJson, readText } from "../input.js";
import {
  choicesOf,
  describeSetting,
  parseSetting,
  putSetting,
  settingsOf,
  type RequestCall,
  type Setting,
  type Settings,
} from "./settings.js";

/** Adds a flag for each option of a call's requests, and those that name files. */
export function addRequestFlags(command: Command, call: RequestCall): Command {
  for (const each of settingsOf(call)) command.addOption(optionOf(each));
  return command
    .addOption(new Option("--json-schema <file>", "a JSON schema that the answer satisfies").helpGroup(ANSWERS))
    .addOption(
      new Option("--grammar <file>", "a grammar in GBNF that the answer follows")
        .conflicts("jsonSchema")
        .helpGroup(ANSWERS),
    );
}

const ANSWERS = "Answers:";
const SAMPLING = "Sampling (docs/guide/sampling.md says what each does):";

function optionOf(setting: Setting): Option {
  const { flag, inSampling, schema } = setting;
  const { type } = schema;
  const isSwitch = type === "boolean";
  const name = isSwitch ? (schema.default === true ? `--no-${flag}` : `--${flag}`) : `--${flag} <${wordOf(setting)}>`;
  const option = new Option(name, describeSetting(setting)).helpGroup(inSampling ? SAMPLING : ANSWERS);
  if (isSwitch) return option;
  const choices = choicesOf(setting);
  if (choices !== undefined) option.argChoices = [...choices];
  return option.argParser((text: string, before: unknown): unknown => {
    const value = parseSetting(setting, text);
    return type === "array" ? [...((before as unknown[] | undefined) ?? []), value] : value;
  });
}

function wordOf(setting: Setting): string {
  const { type } = setting.schema;
  if (choicesOf(setting) !== undefined) return "name";
  return type === "number" || type === "integer" ? "number" : type === "string" ? "text" : "value";
}

/** What the flags, or the config file, say of requests. Left out: the library's defaults hold. */
export async function requestSettings(command: Command, call: RequestCall): Promise<Settings> {
  const settings: Settings = {};
  for (const each of settingsOf(call)) {
    // Those of switches that begin with "no-" have a default of commander's.
    if ((command.getOptionValueSource(each.name) ?? "default") === "default") continue;
    putSetting(settings, each, command.getOptionValue(each.name));
  }
  const { jsonSchema, grammar } = command.opts<{ jsonSchema?: string; grammar?: string }>();
  if (jsonSchema !== undefined) settings.jsonSchema = await readJson(jsonSchema);
  if (grammar !== undefined) settings.grammar = await readText(grammar);
  return settings;
}
