// A child process that answers calls: each system that is measured runs in one of its own, so that neither its memory
// nor its threads nor its event loop touch another's.
import { fork } from "node:child_process";

export class Worker {
  #child;
  #calls = new Map();
  #next = 1;

  /**
   * @param {URL} script exposes its functions through `serve`
   * @param {{ execArgv?: string[] }} [options]
   */
  constructor(script, { execArgv = [] } = {}) {
    this.#child = fork(script, { execArgv, stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.on("message", ({ id, value, error }) => {
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === undefined) call?.resolve(value);
      else call?.reject(new Error(error));
    });
    this.#child.on("exit", (code, signal) => {
      const error = new Error(`the child process ended with ${signal ?? code}`);
      for (const call of this.#calls.values()) call.reject(error);
      this.#calls.clear();
    });
  }

  /** @param {string} name @param {unknown} [argument] @returns {Promise<any>} */
  call(name, argument) {
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#calls.set(id, { resolve, reject });
      this.#child.send({ id, name, argument });
    });
  }

  async close() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.disconnect();
    await exited;
  }
}

/** In the child: answers calls by these functions, until the parent lets go. @param {Record<string, Function>} functions */
export function serve(functions) {
  process.on("disconnect", () => process.exit());
  process.on("message", async ({ id, name, argument }) => {
    try {
      process.send({ id, value: await functions[name](argument) });
    } catch (error) {
      process.send({ id, error: String(error?.stack ?? error) });
    }
  });
}
