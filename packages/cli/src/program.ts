import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addDemo } from "./commands/demo.js";
import { addDevices } from "./commands/devices.js";
import { addInspect } from "./commands/inspect.js";
import { addKeys } from "./commands/keys.js";
import { addServe } from "./commands/serve.js";
import { addTemplate } from "./commands/template.js";
import { addTokenize } from "./commands/tokenize.js";
import { onOneLine } from "./shorten.js";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** The commands with their options. Wrong usage is a CommanderError with a status other than 0. */
export function makeProgram(): Command {
  const program = new Command("medinfer")
    .description("Medical LLM and vision-LLM inference: devices, models, chat templates and tokens")
    .version(version)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(`medinfer: ${complaint(text)}\n`),
    });
  for (const add of [addServe, addKeys, addDevices, addInspect, addTemplate, addTokenize, addDemo]) add(program);
  return program;
}

/** Commander's message on one line. It quotes what it does not know: where that is no name, it may be a text for a model. */
function complaint(text: string): string {
  const line = onOneLine(text.trim()).replace(/^error: /, "");
  const [, what, quoted = ""] = /^(unknown (?:option|command)) '(.*)'/.exec(line) ?? [];
  if (what === undefined || /^[\w-]{1,40}$/.test(quoted.replace(/'.*/, ""))) return line;
  return `${what}: see --help; a text that begins with a dash goes behind --`;
}
