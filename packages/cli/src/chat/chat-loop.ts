import process from "node:process";
import { createInterface, type Interface } from "node:readline";
import { isCut } from "../answer.js";
import { complaintOf, tell } from "../complaint.js";
import { FAILED, INTERRUPTED } from "../exit-status.js";
import { AnswerWriter } from "../terminal/answer-writer.js";
import { LineHistory } from "./line-history.js";
import { runCommand, type ChatState } from "./slash-commands.js";

/** Stands alone on the line before and behind a message of several lines. */
const FENCE = '"""';

/**
 * A chat line by line: a line is a message, or a command where it begins with a slash. Ctrl-C stops the answer; where there is
 * none it leaves.
 */
export class ChatLoop {
  readonly #state: ChatState;
  readonly #writer = new AnswerWriter();
  readonly #history: LineHistory;
  readonly #lines: Interface;
  /** Of the answer that is under way. */
  #running: AbortController | undefined;
  /** Lines of a message that is not closed yet. */
  #open: string[] | undefined;

  /** @param historyFile where lines are kept for later; undefined: nowhere */
  constructor(state: ChatState, historyFile: string | undefined) {
    this.#state = state;
    this.#history = new LineHistory(historyFile);
    const terminal = process.stdin.isTTY === true;
    this.#lines = createInterface({
      input: process.stdin,
      ...(terminal ? { output: process.stdout.isTTY ? process.stdout : process.stderr } : {}),
      terminal,
      prompt: "> ",
      history: this.#history.lines(),
      historySize: LineHistory.MOST,
    });
  }

  /** Resolves when the user leaves. */
  async run(): Promise<void> {
    const onInterrupt = () => this.#interrupt();
    // A terminal that reads lines gives Ctrl-C as a key.
    this.#lines.on("SIGINT", onInterrupt);
    process.on("SIGINT", onInterrupt);
    try {
      this.#prompt();
      for await (const line of this.#lines) {
        this.#history.add(line);
        if (!(await this.#take(line))) break;
        this.#prompt();
      }
    } finally {
      process.off("SIGINT", onInterrupt);
      this.#lines.close();
    }
  }

  /** @returns whether the chat goes on */
  async #take(line: string): Promise<boolean> {
    if (this.#open !== undefined) {
      if (line.trim() !== FENCE) this.#open.push(line);
      else {
        const text = this.#open.join("\n");
        this.#open = undefined;
        await this.#say(text);
      }
      return true;
    }
    if (line.trim() === FENCE) this.#open = [];
    else if (line.startsWith("/")) return this.#command(line);
    else if (line.trim() !== "") await this.#say(line);
    return true;
  }

  async #command(line: string): Promise<boolean> {
    try {
      const told = await runCommand(this.#state, line);
      if (told === undefined) return false;
      process.stderr.write(`${told}\n`);
    } catch (error) {
      this.#complain(error);
    }
    return true;
  }

  async #say(text: string): Promise<void> {
    const { conversation, images, settings } = this.#state;
    this.#running = new AbortController();
    try {
      const answer = await conversation.say({ text, images, settings }, this.#writer.write, this.#running.signal);
      await this.#writer.end({ always: true });
      this.#state.last = answer;
      this.#state.images = [];
      if (isCut(answer)) tell(`the answer is not whole: it ended with ${answer.finishReason}`);
    } catch (error) {
      await this.#writer.end({ always: this.#running.signal.aborted });
      if (this.#running.signal.aborted) tell("stopped: this message and its answer are no part of the conversation");
      else this.#complain(error);
    } finally {
      this.#running = undefined;
    }
  }

  #interrupt(): void {
    if (this.#running?.signal.aborted) process.exit(INTERRUPTED);
    if (this.#running !== undefined) return this.#running.abort();
    if (this.#lines.line !== "" && process.stdin.isTTY) {
      this.#lines.write(null, { ctrl: true, name: "e" });
      this.#lines.write(null, { ctrl: true, name: "u" });
      return;
    }
    process.exitCode = INTERRUPTED;
    this.#lines.close();
  }

  #complain(error: unknown): void {
    tell(complaintOf(error));
    if (!process.stdin.isTTY) process.exitCode = FAILED;
  }

  #prompt(): void {
    if (!process.stdin.isTTY) return;
    this.#lines.setPrompt(this.#open === undefined ? "> " : "… ");
    this.#lines.prompt();
  }
}
