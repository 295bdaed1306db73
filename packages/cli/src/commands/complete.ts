import type { Command } from "commander";
import { answerOf, isCut, type Answer, type OnPiece } from "../answer.js";
import { tell } from "../complaint.js";
import { addModelFlags, loadEngine } from "../flags/model-flags.js";
import { addRequestFlags, requestSettings } from "../flags/request-flags.js";
import { addServerFlags, namedServer } from "../flags/server-flags.js";
import type { Settings } from "../flags/settings.js";
import { readText } from "../input.js";
import { withInterrupt } from "../interrupt.js";
import { printJson } from "../output.js";
import { remoteAnswer } from "../remote/remote-answer.js";
import { AnswerWriter } from "../terminal/answer-writer.js";

interface CompleteCommandOptions {
  model?: string;
  file?: string;
  image?: string[];
  json?: true;
}

const examples = `
The text is sent as it is: no chat template, and control tokens in it act (--no-parse-special: they do not).

Examples:
  medinfer complete "Gout is"
  medinfer complete --n-predict 40 --temperature 0 --echo < beginning.txt
  medinfer complete --json --stop-strings . "Aspirin is used for" | jq -r .text`;

/** `medinfer complete` */
export function addComplete(program: Command): void {
  const command = program
    .command("complete")
    .description("continue a text")
    .argument("[text]", "the text; without it and --file: stdin")
    .option("--file <file>", "a file with the text; - is stdin")
    .option("--image <file>", "stands before the text; can be repeated", (file, files: string[] = []) => [
      ...files,
      file,
    ])
    .option("--json", "print the answer as JSON, when it is whole");
  addServerFlags(addModelFlags(addRequestFlags(command, "complete")))
    .addHelpText("after", examples)
    .action(run);
}

async function run(text: string | undefined, options: CompleteCommandOptions, command: Command): Promise<void> {
  if (text !== undefined && options.file !== undefined) command.error("a text and --file: leave one of them out");
  const settings = await requestSettings(command, "complete");
  const prompt = text ?? (await readText(options.file ?? "-"));
  const writer = new AnswerWriter();
  const onPiece = options.json ? () => {} : writer.write;
  const answer = await withInterrupt((signal) => ask(prompt, options, settings, command, { onPiece, signal }));
  if (options.json) return printJson(answer);
  await writer.end();
  if (isCut(answer) && settings.nPredict === undefined)
    tell(`the text is not whole: it ended with ${answer.finishReason}`);
}

async function ask(
  prompt: string,
  { model, image: images = [] }: CompleteCommandOptions,
  settings: Settings,
  command: Command,
  { onPiece, signal }: { onPiece: OnPiece; signal: AbortSignal },
): Promise<Answer> {
  const server = namedServer(command);
  if (server !== undefined) {
    if (images.length > 0) command.error("--image: a server's completions take none, its chats do: use medinfer chat");
    const body = { ...settings, model: await server.modelFor("generate", model, signal), prompt };
    return remoteAnswer(server, "/v1/completions", body, { onPiece, signal });
  }
  const engine = await loadEngine(command, { signal, ...(images.length === 0 ? { mmproj: null } : {}) });
  try {
    return await answerOf(engine.complete({ ...settings, prompt, images, signal }), onPiece);
  } finally {
    await engine.close();
  }
}
