import { fork, type ChildProcess } from "node:child_process";
import path from "node:path";
import { BatchError, type RowError } from "../errors.js";
import type { Row } from "./compute.js";

/** Where rows run that came back after their worker was killed. */
export interface QuarantineOptions {
  /** A module, as an absolute path, that exports `createCompute(data)`: it gives the compute of the child process. */
  module: string;
  /** Handed to it. Default undefined. */
  data?: unknown;
  /** Milliseconds without a row after which the child ends, and gives back its memory. Default 60,000. */
  idleMs?: number;
}

/** What goes to the child. */
export type ToChild = { kind: "row"; row: Row; attempt: number } | { kind: "abort" };
/** What comes from it. */
export type FromChild = { kind: "ready" } | Answer;
type Answer = { kind: "done"; value: unknown } | { kind: "failed"; error: RowError };

/** The child process has ended while it ran a row. */
export class ChildEnded extends Error {}

/** Milliseconds that a child has to end a row that is aborted. */
const ABORT_MS = 5000;

/** A child process that runs one row at a time. It is made when it is needed. */
export class ChildLane {
  readonly #options: QuarantineOptions;
  #child: ChildProcess | undefined;
  #ready: Promise<void> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /**
   * One at a time.
   *
   * @throws ChildEnded (rejects) where the row ended the process; BatchError as the compute in it says, and `INVALID_ARGUMENT` where
   * the module cannot be loaded
   */
  async run(row: Row, { signal, attempt }: { signal: AbortSignal; attempt: number }): Promise<unknown> {
    clearTimeout(this.#idle);
    signal.throwIfAborted();
    const child = (this.#child ??= this.#start());
    try {
      await this.#ready;
      const answer = await ask(child, { kind: "row", row, attempt }, signal);
      if (answer.kind === "done") return answer.value;
      throw new BatchError(answer.error.code, answer.error.message, answer.error);
    } finally {
      this.#idle = setTimeout(() => this.close(), this.#options.idleMs ?? 60_000).unref();
    }
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  #start(): ChildProcess {
    const { module, data } = this.#options;
    const child = fork(path.join(__dirname, "child.js"), [module, JSON.stringify(data ?? null)], {
      // Nothing of it comes to our stdout; what it complains of, does.
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      execArgv: [],
    });
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    this.#ready = readyOf(child);
    // It must not keep a process that is done; one that runs a row is kept by the row.
    child.unref();
    child.channel?.unref();
    return child;
  }
}

/** Before the first row nothing is the row's fault. */
function readyOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const what = "the child process in which rows run alone has ended before its first row";
    const onExit = () =>
      reject(new BatchError("INVALID_ARGUMENT", `${what}: check quarantine.module, and what it writes to stderr`));
    child.once("exit", onExit);
    child.once("message", () => {
      child.off("exit", onExit);
      resolve();
    });
  });
}

function ask(child: ChildProcess, request: ToChild, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      child.send({ kind: "abort" } satisfies ToChild, () => {});
      timer = setTimeout(() => child.kill("SIGKILL"), ABORT_MS);
    };
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      child.off("message", onMessage);
      child.off("exit", onExit);
      child.channel?.unref();
      child.unref();
    };
    const onMessage = (answer: Answer) => {
      done();
      resolve(answer);
    };
    const onExit = () => {
      done();
      reject(new ChildEnded("the row's process has ended"));
    };
    child.ref();
    child.channel?.ref();
    child.on("message", onMessage);
    child.once("exit", onExit);
    signal.addEventListener("abort", onAbort, { once: true });
    // Where it cannot be sent, the process has ended, and says so.
    child.send(request, () => {});
  });
}
