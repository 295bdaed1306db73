// llama-server, built on demand from the same source, as a child process on a port of this host alone.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import { fromRoot } from "../../test/support/paths.mjs";

const binary = fromRoot("out", "peers", "bin", "llama-server");

/** Builds it where it is missing or older than its source: some minutes, or nothing. @param {(line: string) => void} log */
function build(log) {
  if (!existsSync(binary)) log("building llama-server in out/peers, which takes some minutes once");
  const configure = ["-S", fromRoot("benchmarks", "peers"), "-B", fromRoot("out", "peers")];
  const source = process.env.MEDINFER_LLAMA_CPP;
  if (source) configure.push(`-DMEDINFER_LLAMA_DIR=${source}`);
  for (const args of [
    [...configure, "-DCMAKE_BUILD_TYPE=Release"],
    ["--build", fromRoot("out", "peers"), "--parallel", "--target", "llama-server", "ggml-cpu"],
  ]) {
    const { status, stdout, stderr } = spawnSync("cmake", args, { encoding: "utf8", maxBuffer: 1 << 28 });
    if (status !== 0) throw new Error(`llama-server could not be built:\n${stdout}\n${stderr}`);
  }
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class LlamaServer {
  #child;
  #url;

  /**
   * With its default threads unless `threads` says otherwise. Its caches of earlier prompts are off: no prompt here
   * comes twice in a row, so that they would only cost it time.
   * @param {string} model
   * @param {{ parallel: number, ctx: number, threads?: number, log: (line: string) => void }} options
   */
  static async start(model, { parallel, ctx, threads, log }) {
    build(log);
    const port = await freePort();
    const args = ["-m", model, "-c", ctx, "-np", parallel, "--host", "127.0.0.1", "--port", port];
    args.push("--no-ui", "--no-cache-prompt", "--cache-ram", 0, "-fit", "off");
    if (threads !== undefined) args.push("-t", threads);
    const server = new LlamaServer(args.map(String), `http://127.0.0.1:${port}`);
    await server.#ready();
    return server;
  }

  constructor(args, url) {
    this.#url = url;
    this.#child = spawn(binary, args, { stdio: "ignore" });
    // It would outlive a parent that ends in an error.
    process.once("exit", () => this.#child.kill("SIGKILL"));
  }

  async #ready() {
    for (let i = 0; i < 600; i++) {
      if (this.#child.exitCode !== null) throw new Error("llama-server ended while it loaded");
      const health = await fetch(`${this.#url}/health`).catch(() => undefined);
      if (health?.ok) return;
      await delay(100);
    }
    throw new Error("llama-server was not ready after a minute");
  }

  /**
   * One greedy completion that never ends early.
   * @param {{ prompt: string, predict: number, stream: boolean }} request
   * @returns {Promise<number>} tokens generated
   */
  async complete({ prompt, predict, stream }) {
    const text = await this.#post("/completion", {
      prompt,
      n_predict: predict,
      temperature: 0,
      ignore_eos: true,
      cache_prompt: false,
      stream,
    });
    // Of a stream the last event tells how many tokens there were.
    const last = stream
      ? text
          .trim()
          .split("\n\n")
          .at(-1)
          .replace(/^data: /, "")
      : text;
    return JSON.parse(last).tokens_predicted;
  }

  /**
   * A connection of its own for every request: the server's pool of HTTP threads waits on idle ones.
   * @param {string} path @param {object} body @returns {Promise<string>}
   */
  #post(path, body) {
    return new Promise((resolve, reject) => {
      const options = { method: "POST", agent: false, headers: { "content-type": "application/json" } };
      const sent = request(`${this.#url}${path}`, options, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (data) => (text += data));
        response.on("error", reject);
        response.on("end", () => {
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`llama-server answered ${response.statusCode}: ${text}`));
        });
      });
      sent.on("error", reject);
      sent.end(JSON.stringify(body));
    });
  }

  async close() {
    if (this.#child.exitCode !== null) return;
    const closed = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.kill("SIGTERM");
    await closed;
  }
}
