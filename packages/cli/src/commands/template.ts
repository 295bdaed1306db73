import type { Command } from "commander";
import { Option } from "commander";
import { renderChat, type ChatMessage, type RenderedChat, type TemplateArguments, type TextMessage } from "medinfer";
import { withModel } from "../engine.js";
import { readJson, readText } from "../input.js";
import { printJson, printText } from "../output.js";

interface TemplateOptions {
  name?: string;
  jinja?: string;
  model?: string;
  set: string[];
  generationPrompt: boolean;
  json?: true;
}

const example = `
A conversation is a list of messages, or an object with such a list as "messages":
  [{ "role": "user", "content": "What is gout?" }]
Without --name, --jinja and --model it is rendered with the template of the model inside the package.`;

/** `medinfer template` */
export function addTemplate(program: Command): void {
  const others = (own: string) => ["name", "jinja", "model"].filter((each) => each !== own);
  program
    .command("template")
    .description("render a conversation with a chat template and print the prompt")
    .argument("[file]", "the conversation as JSON; - is stdin", "-")
    .addOption(new Option("--name <name>", "a built-in template, e.g. vicuna or chatml").conflicts(others("name")))
    .addOption(new Option("--jinja <file>", "a template in Jinja").conflicts(others("jinja")))
    .addOption(new Option("--model <file>", "the template of this model, which is loaded").conflicts(others("model")))
    .option(
      "--set <name=value>",
      "a variable of the template's own; can be repeated",
      (pair: string, pairs: string[]) => [...pairs, pair],
      [],
    )
    .option("--no-generation-prompt", "leave out the beginning of the answer")
    .option("--json", "print the prompt and the template's stop strings")
    .addHelpText("after", example)
    .action(async (file: string, options: TemplateOptions, command: Command) => {
      const templateArguments = argumentsIn(options.set, command);
      const rendered = await render(messagesIn(await readJson(file)), options, templateArguments);
      if (options.json) printJson(rendered);
      else printText(rendered.prompt);
    });
}

/** Of "name=value" each. A value is a number or a boolean where it is written so, as in JSON. */
function argumentsIn(pairs: readonly string[], command: Command): TemplateArguments {
  const entries = pairs.map((pair) => {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    if (name === undefined || value === undefined) {
      return command.error("--set takes a name and a value, e.g. --set enable_thinking=false");
    }
    const isLiteral = /^(true|false|-?(0|[1-9]\d*)(\.\d+)?)$/.test(value);
    return [name, isLiteral ? (JSON.parse(value) as number | boolean) : value] as const;
  });
  return Object.fromEntries(entries);
}

/** Whether they are messages, the library checks. */
function messagesIn(given: unknown): readonly ChatMessage[] {
  const isObject = typeof given === "object" && given !== null && !Array.isArray(given);
  return (isObject ? (given as { messages?: unknown }).messages : given) as readonly ChatMessage[];
}

async function render(
  messages: readonly ChatMessage[],
  { name, jinja, model, generationPrompt: addGenerationPrompt }: TemplateOptions,
  templateArguments: TemplateArguments,
): Promise<RenderedChat> {
  const settings = { addGenerationPrompt, templateArguments };
  const template = name ?? (jinja === undefined ? undefined : await readText(jinja));
  if (template !== undefined) return renderChat(template, messages as readonly TextMessage[], settings);
  return withModel(model, (engine) => engine.applyChatTemplate(messages, settings));
}
