// The reference loop (test/support/tools/plain_loop.cc) as a child process.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { tool } from "./tools.mjs";

/**
 * @typedef {object} PlainRequest
 * @property {({ text: string } | { image: string })[]} parts images by path
 * @property {number} predict
 * @property {boolean} [ignoreEos]
 *
 * @typedef {object} PlainAnswer
 * @property {number[]} tokens
 * @property {number[]} sizes bytes of each token's text
 * @property {number[]} margins distance of the two best logits at each step; one more than tokens where EOS ended it
 * @property {string} text
 * @property {"eos" | "length" | "context"} finish
 * @property {number} promptTokens
 * @property {number} prefillMs
 * @property {number} decodeMs
 */

export class PlainLoop {
  #child;
  #lines;
  /** What to do with the next lines, in order. @type {{ resolve: (answer: any) => void, reject: (error: Error) => void }[]} */
  #waiting = [];
  #errors = "";
  /** @type {Error | undefined} */
  #ended;

  /**
   * @param {string} model
   * @param {{ mmproj?: string, ctx?: number, batch?: number, ubatch?: number, threads?: number, kv?: "f32" | "f16",
   *   device?: "cpu" | "gpu" }} [options] `device`: the CPU unless it says otherwise
   */
  static async start(model, options = {}) {
    const loop = new PlainLoop(model, options);
    await loop.#nextLine();
    return loop;
  }

  constructor(model, options) {
    const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    this.#child = spawn(tool("plain_loop"), [model, ...words], { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr.on("data", (data) => (this.#errors += data));
    // A loop that died tells so through the answers that are missing.
    this.#child.stdin.on("error", () => {});
    this.#child.on("error", (error) => this.#end(error));
    this.#child.on("close", (code, signal) => {
      this.#end(new Error(`the plain loop ended with ${signal ?? code}: ${this.#errors}`));
    });
    this.#lines = createInterface(this.#child.stdout);
    this.#lines.on("line", (line) => this.#waiting.shift()?.resolve(JSON.parse(line)));
  }

  get pid() {
    return this.#child.pid;
  }

  /** @param {PlainRequest} request @returns {Promise<PlainAnswer>} */
  async run({ parts, predict, ignoreEos = false }) {
    const words = parts.map((part) =>
      "text" in part ? `text=${encodeURIComponent(part.text)}` : `image=${encodeURIComponent(part.image)}`,
    );
    const answer = this.#nextLine();
    this.#child.stdin.write(`predict=${predict} ignore_eos=${ignoreEos ? 1 : 0} ${words.join(" ")}\n`);
    const { textHex, ...rest } = await answer;
    return { ...rest, text: Buffer.from(textHex, "hex").toString("utf8") };
  }

  async close() {
    if (this.#ended !== undefined) return;
    const closed = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.stdin.end();
    await closed;
  }

  #nextLine() {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** @param {Error} error */
  #end(error) {
    this.#ended = error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
