/** What a line that begins with a slash does in a chat. */
import { access, constants } from "node:fs/promises";
import { InvalidArgumentError } from "commander";
import { MedInferError } from "medinfer";
import type { Answer } from "../answer.js";
import { kebab, parseSetting, putSetting, settingsOf, type Setting, type Settings } from "../flags/settings.js";
import { didYouMean, shownName } from "../nearest.js";
import { shortenPath } from "../shorten.js";
import { ofSessions } from "./local-conversation.js";
import type { Conversation } from "./conversation.js";

/** A chat, as its commands see it. */
export interface ChatState {
  readonly conversation: Conversation;
  settings: Settings;
  system: string | undefined;
  /** Files that go with the next message. */
  images: string[];
  /** Of the last turn. */
  last: Answer | undefined;
}

interface SlashCommand {
  usage: string;
  help: string;
  /** @returns what is said to the user; undefined: the chat ends */
  run: (state: ChatState, argument: string) => Promise<string | undefined> | string;
}

const commands: Record<string, SlashCommand> = {
  help: { usage: "/help", help: "this list", run: listCommands },
  system: {
    usage: "/system TEXT",
    help: "begin anew with this system message; without a text: with none",
    run: setSystem,
  },
  image: { usage: "/image FILE", help: "show this image with the next message", run: addImage },
  reset: { usage: "/reset", help: "forget the conversation, and begin anew", run: reset },
  save: { usage: "/save FILE", help: "write the conversation to a file that only you may read", run: save },
  load: { usage: "/load FILE", help: "go on with a conversation that was saved", run: load },
  set: {
    usage: "/set NAME VALUE",
    help: "e.g. /set temperature 0.2; without a value: the default; alone: what is set",
    run: set,
  },
  stats: { usage: "/stats", help: "tokens and times of the last answer", run: stats },
  exit: { usage: "/exit", help: "leave, as Ctrl-D does", run: () => Promise.resolve(undefined) },
};

/**
 * @param line begins with a slash
 * @throws MedInferError (rejects)
 */
export async function runCommand(state: ChatState, line: string): Promise<string | undefined> {
  const [, name = "", argument = ""] = /^\/(\S*)\s*(.*)$/s.exec(line) ?? [];
  const command = commands[name];
  if (command !== undefined) return command.run(state, argument.trim());
  throw wrong(`${shownName(name)} is no command${didYouMean(name, Object.keys(commands))}: /help lists all`);
}

function listCommands(): string {
  const widest = Math.max(...Object.values(commands).map(({ usage }) => usage.length));
  const lines = Object.values(commands).map(({ usage, help }) => `  ${usage.padEnd(widest)}  ${help}`);
  return [...lines, '  A message of several lines stands between lines of """ alone.'].join("\n");
}

function setSystem(state: ChatState, text: string): string {
  state.system = text === "" ? undefined : text;
  state.conversation.begin(state.system);
  return text === "" ? "a new conversation without a system message" : "a new conversation with this system message";
}

async function addImage(state: ChatState, file: string): Promise<string> {
  if (file === "") throw wrong("/image takes a file");
  try {
    await access(file, constants.R_OK);
  } catch {
    throw new MedInferError("IMAGE_NOT_FOUND", `${shortenPath(file)} cannot be read: check the path`);
  }
  state.images.push(file);
  return state.images.length === 1
    ? "it goes with the next message"
    : `${state.images.length} images go with the next message`;
}

function reset(state: ChatState): string {
  state.conversation.begin(state.system);
  state.images = [];
  state.last = undefined;
  return "a new conversation";
}

async function save({ conversation }: ChatState, file: string): Promise<string> {
  if (file === "") throw wrong("/save takes a file");
  await conversation.save(file);
  return `saved, ${turns(conversation)}; it holds all that was said`;
}

async function load(state: ChatState, file: string): Promise<string> {
  if (file === "") throw wrong("/load takes a file");
  await state.conversation.load(file);
  state.last = undefined;
  return `loaded, ${turns(state.conversation)}`;
}

function turns({ turns: count }: Conversation): string {
  return count === 1 ? "1 turn" : `${count} turns`;
}

function set(state: ChatState, text: string): string {
  const [, name = "", value = ""] = /^(\S*)\s*(.*)$/s.exec(text) ?? [];
  if (name === "") return listSettings(state.settings);
  const known = settingsOf("chat").filter((each) => !ofSessions.includes(each.name));
  const setting = known.find((each) => each.flag === kebab(name));
  if (setting === undefined) {
    throw wrong(
      `${shownName(name)} is no option of an answer${didYouMean(
        kebab(name),
        known.map((each) => each.flag),
      )}`,
    );
  }
  if (value === "") {
    removeSetting(state.settings, setting);
    return `${setting.flag}: the default`;
  }
  putSetting(state.settings, setting, valueOf(setting, value));
  return `${setting.flag} is set`;
}

function valueOf(setting: Setting, text: string): unknown {
  try {
    if (setting.schema.type !== "array") return parseSetting(setting, text);
    const listed = /^\[/.test(text) ? (JSON.parse(text) as unknown[]) : [text];
    return listed.map((each) => parseSetting(setting, String(each)));
  } catch (error) {
    const why = error instanceof InvalidArgumentError ? error.message : "It has to be a list as JSON.";
    throw wrong(`${setting.flag}: ${why}`);
  }
}

function removeSetting(settings: Settings, { name, inSampling }: Setting): void {
  delete (inSampling ? (settings.sampling ?? {}) : settings)[name];
}

function listSettings({ sampling = {}, ...others }: Settings): string {
  const set = Object.entries({ ...others, ...sampling }).filter(
    ([name]) => name !== "jsonSchema" && name !== "grammar",
  );
  if (set.length === 0) return "nothing is set: the defaults hold";
  return set.map(([name, value]) => `  ${kebab(name)} ${JSON.stringify(value)}`).join("\n");
}

function stats({ last, conversation }: ChatState): string {
  if (last === undefined) return "no answer yet";
  const { usage, firstMs, totalMs, finishReason } = last;
  const seconds = (totalMs - firstMs) / 1000;
  const rate =
    usage.completionTokens > 1 && seconds > 0
      ? `, ${((usage.completionTokens - 1) / seconds).toFixed(0)} tokens/s`
      : "";
  return [
    `  prompt  ${usage.promptTokens} tokens, ${usage.cachedTokens} of them known from before`,
    `  answer  ${usage.completionTokens} tokens${rate}, ended with ${finishReason}`,
    `  time    first text ${firstMs.toFixed(0)} ms, all ${totalMs.toFixed(0)} ms`,
    `  so far  ${turns(conversation)}`,
  ].join("\n");
}

function wrong(message: string): MedInferError {
  return new MedInferError("INVALID_ARGUMENT", message);
}
