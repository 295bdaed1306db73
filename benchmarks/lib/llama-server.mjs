// llama-server as a child process on a port of this host alone.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

import { peer } from "./peers.mjs";

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** They would outlive a parent that ends in an error. */
const children = new Set();
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/**
 * What a completion was, in the server's own words, and when its first token came, as its client saw it.
 * @typedef {{ tokens: number, promptTokens: number, cachedTokens: number, promptMs: number, decodeMs: number,
 *   firstTokenMs?: number }} Answer
 */

export class LlamaServer {
  #child;
  #url;
  #passes = [];

  /**
   * With its default threads unless `threads` says otherwise. Its caches of earlier prompts are off: mostly no prompt
   * comes twice in a row, so that they would only cost it time. `cacheRam` leaves the one in host memory as it is by default.
   *
   * `unified` is its -kvu: one KV buffer for all slots, where each otherwise has its own part. `cachePrompt` leaves a
   * prompt in its slot for the next one that begins alike. `gpu` puts all layers on the GPU. `watchPasses` has
   * llama.cpp write every forward pass to its log, see `passes`: do not take times then. `embeddings`: it answers embed().
   * `adapters` are files that a request asks for by their index; `chatTemplate` is one of its own, by name; `speculation` its
   * --spec-type.
   * @param {string} model
   * @param {{ parallel: number, ctx: number, threads?: number, unified?: boolean, cachePrompt?: boolean, cacheRam?: boolean, gpu?: boolean,
   *   embeddings?: boolean, watchPasses?: boolean, adapters?: string[], chatTemplate?: string, mmproj?: string, speculation?: string,
   *   log: (line: string) => void }} options
   */
  static async start(
    model,
    {
      parallel,
      ctx,
      threads,
      unified,
      cachePrompt,
      cacheRam,
      gpu,
      embeddings,
      watchPasses,
      adapters = [],
      chatTemplate,
      mmproj,
      speculation,
      log,
    },
  ) {
    const binary = peer("llama-server", { gpu: gpu === true, log });
    const port = await freePort();
    const args = ["-m", model, "-c", ctx, "-np", parallel, "--host", "127.0.0.1", "--port", port];
    args.push("--no-ui", "-fit", "off", "--metrics", unified ? "-kvu" : "-no-kvu");
    if (!cacheRam) args.push("--cache-ram", 0);
    if (!cachePrompt) args.push("--no-cache-prompt");
    args.push(...(gpu ? ["-ngl", 999, "-fa", "on"] : ["--device", "none"]));
    if (threads !== undefined) args.push("-t", threads);
    if (embeddings) args.push("--embeddings");
    if (chatTemplate !== undefined) args.push("--chat-template", chatTemplate);
    if (mmproj !== undefined) args.push("--mmproj", mmproj);
    if (speculation !== undefined) args.push("--spec-type", speculation);
    if (watchPasses) args.push("-lv", 5);
    for (const file of adapters) args.push("--lora", file);
    if (adapters.length > 0) args.push("--lora-init-without-apply");
    const server = new LlamaServer(binary, args.map(String), `http://127.0.0.1:${port}`, watchPasses);
    await server.#ready();
    return server;
  }

  constructor(binary, args, url, watchPasses) {
    this.#url = url;
    const env = watchPasses ? { ...process.env, LLAMA_BATCH_DEBUG: "1" } : process.env;
    this.#child = spawn(binary, args, { env, stdio: ["ignore", "ignore", watchPasses ? "pipe" : "ignore"] });
    children.add(this.#child);
    if (!watchPasses) return;
    let isPass = false;
    createInterface({ input: this.#child.stderr }).on("line", (line) => {
      // One before each batch; then the batch as a whole and every part that it is split into, which look alike.
      if (line.includes("n_batch (effective)")) this.#passes.push([]);
      else if (line.includes("added ubatch to split")) isPass = true;
      const found = isPass && /ubatch_print: +n_tokens += (\d+)/.exec(line);
      if (!found) return;
      isPass = false;
      this.#passes.at(-1)?.push(Number(found[1]));
    });
  }

  /** E.g. `http://127.0.0.1:41234`. */
  get url() {
    return this.#url;
  }

  /** With `watchPasses`: of every call of llama_decode so far, the tokens of each of its forward passes. */
  get passes() {
    return this.#passes;
  }

  async #ready() {
    for (let i = 0; i < 600; i++) {
      if (this.#hasEnded()) throw new Error("llama-server ended while it loaded");
      const health = await fetch(`${this.#url}/health`).catch(() => undefined);
      if (health?.ok) return;
      await delay(100);
    }
    throw new Error("llama-server was not ready after a minute");
  }

  /**
   * One greedy completion that never ends early.
   * @param {{ prompt: string, predict: number, stream: boolean, adapter?: number }} request
   * @returns {Promise<number>} tokens generated
   */
  async complete(request) {
    const { tokens } = await this.ask(request);
    return tokens;
  }

  /**
   * The same, with all that is known about it. `slot` asks for a certain one; `cache` for what that slot has of the
   * prompt; `adapter` for one of the server's; `mayEnd` lets it end where the model does.
   * @param {{ prompt: string, predict: number, stream?: boolean, slot?: number, cache?: boolean, adapter?: number, mayEnd?: boolean }}
   *   request
   * @returns {Promise<Answer>}
   */
  async ask({ prompt, predict, stream = false, slot = -1, cache = false, adapter, mayEnd = false }) {
    const started = performance.now();
    let firstTokenMs;
    const text = await this.#post(
      "/completion",
      {
        prompt,
        n_predict: predict,
        temperature: 0,
        ignore_eos: !mayEnd,
        cache_prompt: cache,
        id_slot: slot,
        ...(adapter === undefined ? {} : { lora: [{ id: adapter, scale: 1 }] }),
        stream,
      },
      () => (firstTokenMs ??= stream ? performance.now() - started : undefined),
    );
    // Of a stream the last event tells how many tokens there were.
    const last = stream
      ? text
          .trim()
          .split("\n\n")
          .at(-1)
          .replace(/^data: /, "")
      : text;
    const { tokens_predicted: tokens, timings, error } = JSON.parse(last);
    if (tokens === undefined) throw new Error(`llama-server answered ${JSON.stringify(error ?? last)}`);
    return {
      tokens,
      promptTokens: timings.prompt_n,
      cachedTokens: timings.cache_n,
      promptMs: timings.prompt_ms,
      decodeMs: timings.predicted_ms,
      firstTokenMs,
    };
  }

  /** How many rows it gives of these texts, in one request. @param {string[]} texts @returns {Promise<number>} */
  async embed(texts) {
    const { data } = JSON.parse(await this.#post("/v1/embeddings", { input: texts }, () => {}));
    return data.filter(({ embedding }) => Number.isFinite(embedding[0])).length;
  }

  /**
   * An answer to a picture, of so many tokens. `cache`: from what is there of the prompt.
   * @param {string} file @param {number} predict @param {{ cache?: boolean }} [options] @returns {Promise<void>}
   */
  async see(file, predict, { cache = false } = {}) {
    const messages = about(file, "Extract the medications.");
    const asked = { messages, max_tokens: predict, temperature: 0, ignore_eos: true, cache_prompt: cache };
    const { usage } = JSON.parse(await this.#post("/v1/chat/completions", asked, () => {}));
    if (usage.completion_tokens !== predict) throw new Error(`llama-server gave ${usage.completion_tokens} tokens`);
  }

  /**
   * An answer to a picture that ends where the model ends it.
   * @param {string} file @param {string} prompt @param {number} most tokens @returns {Promise<number>} its tokens
   */
  async read(file, prompt, most) {
    const asked = { messages: about(file, prompt), max_tokens: most, temperature: 0, cache_prompt: false };
    const { usage } = JSON.parse(await this.#post("/v1/chat/completions", asked, () => {}));
    return usage.completion_tokens;
  }

  /** The server's counters by name. @returns {Promise<Record<string, number>>} */
  async metrics() {
    const response = await fetch(`${this.#url}/metrics`);
    const lines = (await response.text()).matchAll(/^llamacpp:(\w+) (\S+)$/gm);
    return Object.fromEntries([...lines].map(([, name, value]) => [name, Number(value)]));
  }

  /**
   * A connection of its own for every request: the server's pool of HTTP threads waits on idle ones.
   * @param {string} path @param {object} body @param {() => void} onData @returns {Promise<string>}
   */
  #post(path, body, onData) {
    return new Promise((resolve, reject) => {
      const options = { method: "POST", agent: false, headers: { "content-type": "application/json" } };
      const sent = request(`${this.#url}${path}`, options, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (data) => {
          onData();
          text += data;
        });
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

  #hasEnded = () => this.#child.exitCode !== null || this.#child.signalCode !== null;

  async close() {
    children.delete(this.#child);
    if (this.#hasEnded()) return;
    const closed = new Promise((resolve) => this.#child.once("close", resolve));
    // Asked politely it waits for the requests that it still has.
    this.#child.kill("SIGKILL");
    await closed;
  }
}

/** A question about a picture. @param {string} file @param {string} prompt */
function about(file, prompt) {
  const url = `data:image/png;base64,${readFileSync(file).toString("base64")}`;
  const content = [
    { type: "image_url", image_url: { url } },
    { type: "text", text: prompt },
  ];
  return [{ role: "user", content }];
}
