import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addAnnotate } from "./commands/annotate.js";
import { addBench } from "./commands/bench.js";
import { addChat } from "./commands/chat.js";
import { addComplete } from "./commands/complete.js";
import { addCompletion } from "./commands/completion.js";
import { addDemo } from "./commands/demo.js";
import { addDevices } from "./commands/devices.js";
import { addEmbed } from "./commands/embed.js";
import { addExport } from "./commands/export.js";
import { addInspect } from "./commands/inspect.js";
import { addKeys } from "./commands/keys.js";
import { addModels } from "./commands/models.js";
import { addRetry } from "./commands/retry.js";
import { addServe } from "./commands/serve.js";
import { addStatus } from "./commands/status.js";
import { addTemplate } from "./commands/template.js";
import { addTokenize } from "./commands/tokenize.js";
import { addWorker } from "./commands/worker.js";
import { applyConfigFile } from "./config/config-file.js";
import { refuseEmptyValues } from "./flags/empty-values.js";
import { onOneLine } from "./shorten.js";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const commands = [
  ...[addChat, addComplete, addAnnotate, addEmbed, addServe],
  ...[addWorker, addStatus, addRetry, addExport],
  ...[addModels, addKeys, addDevices, addInspect, addTemplate, addTokenize, addBench, addDemo, addCompletion],
];

const more = `
Examples:
  medinfer demo                                          see it work, on the tiny model inside the package
  medinfer chat                                          talk with a model
  medinfer serve                                         serve OpenAI's API on port 8080

"medinfer COMMAND --help" has the flags of each and more examples. A config file has the same names:
  { "chat": { "model": "/models/medical-7b.gguf", "temperature": 0.2 } }

Exit status: 0 done, 1 failed, 2 wrong usage, 3 some rows failed, 130 interrupted.`;

/** The commands with their options. Wrong usage is a CommanderError with a status other than 0. */
export function makeProgram(): Command {
  const program = new Command("medinfer")
    .description("Medical LLM and vision-LLM inference: chats, completions, a server, and a look into models")
    .version(version)
    .option("--config <file>", "a file with flags of commands, e.g. medinfer.config.json; default: MEDINFER_CONFIG's")
    .addHelpText("after", more)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(`medinfer: ${complaint(text)}\n`),
    });
  for (const add of commands) add(program);
  program.hook("preAction", async (_program, command) => {
    // A shell that asks for suggestions has no use for what is wrong; the word that is being written may be empty.
    if (command.name() === "completion" || command.parent?.name() === "completion") return;
    refuseEmptyValues(command);
    if (command.parent === program) await applyConfigFile(program, command);
  });
  return program;
}

/** Commander's message on one line. It quotes what it does not know: where that is no name, it may be a text for a model. */
function complaint(text: string): string {
  const line = onOneLine(text.trim())
    .replace(/^error: /, "")
    .replace(/ argument '.*' is invalid\. /, ": ");
  const [, what, quoted = ""] = /^(unknown (?:option|command)) '(.*)'/.exec(line) ?? [];
  if (what === undefined || /^[\w-]{1,40}$/.test(quoted.replace(/'.*/, ""))) return line;
  return `${what}: see --help; a text that begins with a dash goes behind --`;
}
