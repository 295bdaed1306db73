import { fork, type ChildProcess } from "node:child_process";
import path from "node:path";
import type { Answer, Question } from "../decoder/messages.js";

/** Why a question has no answer. */
export type NoAnswer = "crashed" | "timeout" | "aborted";

/** A decoder's process, started when it is made. One question at a time; one that has no answer ends it. */
export class DecoderProcess {
  /** Of whom its open document is. */
  owner: object | undefined;
  /** Documents that it has opened. */
  opened = 0;
  #memory = 0;
  readonly #child: ChildProcess;
  #ended = false;

  constructor() {
    this.#child = fork(path.join(__dirname, "..", "decoder", "main.js"), [], {
      serialization: "advanced",
      // Decoders may print what they read.
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      execArgv: [],
    });
    this.#child.once("exit", () => {
      this.#ended = true;
    });
    this.#child.once("error", () => {
      this.#ended = true;
    });
    this.#idle();
  }

  get isAlive(): boolean {
    return !this.#ended;
  }

  /** Bytes of memory that it had with its last answer. */
  get memory(): number {
    return this.#memory;
  }

  async ask(
    question: Question,
    { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal | undefined },
  ): Promise<Answer | NoAnswer> {
    if (this.#ended) return "crashed";
    if (signal?.aborted === true) return "aborted";
    this.#busy();
    const answer = await new Promise<Answer | NoAnswer>((resolve) => {
      const child = this.#child;
      const settle = (result: Answer | NoAnswer) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        child.off("message", settle);
        child.off("exit", onEnd);
        child.off("error", onEnd);
        resolve(result);
      };
      const onEnd = () => settle("crashed");
      const onAbort = () => settle("aborted");
      const timer = setTimeout(() => settle("timeout"), timeoutMs);
      child.on("message", settle);
      child.once("exit", onEnd);
      child.once("error", onEnd);
      signal?.addEventListener("abort", onAbort);
      // A channel that is closed is told by the process's end.
      child.send(question, () => {});
    });
    if (typeof answer === "string") this.end();
    else this.#memory = answer.memory;
    this.#idle();
    return answer;
  }

  /** Ends it at once, whatever it does. */
  end(): void {
    this.#ended = true;
    this.#child.kill("SIGKILL");
  }

  /** While it waits, it keeps no program alive. */
  #idle(): void {
    this.#child.unref();
    this.#child.channel?.unref();
  }

  #busy(): void {
    this.#child.ref();
    this.#child.channel?.ref();
  }
}
