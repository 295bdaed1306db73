// One child process that runs cases one after the other, and is replaced when it ends or hangs.
import { fork } from "node:child_process";

import { withoutCpuWarning } from "../../support/node-arguments.mjs";
import { fromRoot } from "../../support/paths.mjs";

/** Address space of a child, in KB: what a damaged count asks for beyond it is refused by the system. */
const MOST_KB = 24 << 20;

/**
 * @typedef {{ state: "ran" | "refused" | "failed" | "ended" | "hung", typed?: boolean, code?: string, message?: string,
 *   length?: number, peakMb?: number }} Outcome
 */

export class CaseRunner {
  #child;
  #output = "";

  /** @param {{ seconds: number }} limits of one case */
  constructor({ seconds }) {
    this.seconds = seconds;
  }

  #start() {
    const script = fromRoot("test", "fuzz", "metadata", "child.mjs");
    const limited = process.platform === "linux";
    // A shell sets the limit and becomes Node.
    this.#child = fork(script, {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      execArgv: limited
        ? ["-c", `ulimit -c 0; ulimit -v ${MOST_KB}; exec "$0" "$@"`, process.execPath, withoutCpuWarning]
        : [withoutCpuWarning],
      ...(limited ? { execPath: "/bin/sh" } : {}),
    });
    this.#output = "";
    const keep = (data) => (this.#output = (this.#output + data).slice(-2000));
    this.#child.stdout.on("data", keep);
    this.#child.stderr.on("data", keep);
  }

  /** @param {{ model: string, mmproj: string | null, picture: string | null, nThreads: number }} files @returns {Promise<Outcome>} */
  async run(files) {
    if (this.#child === undefined) this.#start();
    const child = this.#child;
    const outcome = await new Promise((resolve) => {
      const timer = setTimeout(() => resolve({ state: "hung" }), this.seconds * 1000);
      const finish = (result) => {
        clearTimeout(timer);
        child.off("message", finish);
        child.off("close", ended);
        resolve(result);
      };
      const ended = (code, signal) => finish({ state: "ended", code: String(signal ?? code), message: this.#output });
      child.on("message", finish);
      child.on("close", ended);
      child.send(files, () => {}); // a child that has ended tells so by "close"
    });
    if (outcome.state === "ended") this.#child = undefined;
    if (outcome.state === "hung") this.close();
    return outcome;
  }

  /** Memory that cases lose is given back to the system. */
  close() {
    this.#child?.removeAllListeners();
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}
