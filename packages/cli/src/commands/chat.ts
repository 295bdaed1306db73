import process from "node:process";
import type { Command } from "commander";
import { isCut } from "../answer.js";
import { ChatLoop } from "../chat/chat-loop.js";
import type { Conversation } from "../chat/conversation.js";
import { LocalConversation } from "../chat/local-conversation.js";
import { RemoteConversation } from "../chat/remote-conversation.js";
import { tell } from "../complaint.js";
import { addModelFlags, loadEngine } from "../flags/model-flags.js";
import { addRequestFlags, requestSettings } from "../flags/request-flags.js";
import { addServerFlags, namedServer } from "../flags/server-flags.js";
import type { Settings } from "../flags/settings.js";
import { readMessage } from "../input.js";
import { withInterrupt } from "../interrupt.js";
import { printJson } from "../output.js";
import { AnswerWriter } from "../terminal/answer-writer.js";

interface ChatCommandOptions {
  model?: string;
  system?: string;
  image?: string[];
  interactive?: true;
  history?: string;
  json?: true;
}

const examples = `
At a terminal it goes on until /exit or Ctrl-D; /help lists the commands. In a pipe all of stdin is one message.

Examples:
  medinfer chat
  medinfer chat --system "You are a careful doctor." "What is gout?"
  medinfer chat --image prescription.png "Which drugs are on it?"
  medinfer chat --temperature 0 --n-predict 200 < question.txt > answer.txt
  medinfer chat --url http://127.0.0.1:8080`;

/** `medinfer chat` */
export function addChat(program: Command): void {
  const command = program
    .command("chat")
    .description("talk with a model, at a terminal or in a pipe")
    .argument("[message]", "one message to answer; without it: those at the terminal, or stdin")
    .option("--system <text>", "the system message")
    .option("--image <file>", "goes with the first message; can be repeated", (file, files: string[] = []) => [
      ...files,
      file,
    ])
    .option("-i, --interactive", "take stdin line by line, as at a terminal, where it is none")
    .option("--history <file>", "keep the lines that you type, for the arrow keys; without it they are kept nowhere")
    .option("--json", "print one answer as JSON");
  addServerFlags(addModelFlags(addRequestFlags(command, "chat")))
    .addHelpText("after", examples)
    .action(run);
}

async function run(message: string | undefined, options: ChatCommandOptions, command: Command): Promise<void> {
  const isLoop = message === undefined && (options.interactive === true || process.stdin.isTTY === true);
  if (isLoop && options.json) command.error("--json prints one answer: give the message, or pipe it");
  if (!isLoop && options.history !== undefined) command.error("--history is of chats line by line: leave it out");
  const settings = await requestSettings(command, "chat");
  // What is wrong with stdin is told before a model is loaded.
  const text = isLoop ? "" : (message ?? (await readMessage("-")));
  const conversation = await withInterrupt((signal) => open(options, settings, command, signal));
  try {
    if (isLoop) await talk(conversation, options, settings);
    else await answerOne(conversation, text, options, settings);
  } finally {
    await conversation.close();
  }
}

async function open(
  { system, model }: ChatCommandOptions,
  settings: Settings,
  command: Command,
  signal: AbortSignal,
): Promise<Conversation> {
  const server = namedServer(command);
  if (server !== undefined) {
    return new RemoteConversation(server, await server.modelFor("generate", model, signal), system);
  }
  const engine = await loadEngine(command, { signal });
  try {
    return new LocalConversation(engine, system, settings);
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function talk(conversation: Conversation, options: ChatCommandOptions, settings: Settings): Promise<void> {
  const { system, image: images = [], history } = options;
  if (process.stdin.isTTY) tell(`${conversation.name}: /help lists commands, Ctrl-C stops an answer, Ctrl-D leaves`);
  await new ChatLoop({ conversation, settings, system, images, last: undefined }, history).run();
}

async function answerOne(
  conversation: Conversation,
  text: string,
  { image: images = [], json }: ChatCommandOptions,
  settings: Settings,
): Promise<void> {
  const writer = new AnswerWriter();
  const onPiece = json ? () => {} : writer.write;
  const answer = await withInterrupt((signal) => conversation.say({ text, images, settings }, onPiece, signal));
  if (json) return printJson(answer);
  await writer.end({ always: true });
  if (isCut(answer)) tell(`the answer is not whole: it ended with ${answer.finishReason}`);
}
