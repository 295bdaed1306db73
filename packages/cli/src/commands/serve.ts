import process from "node:process";
import { listen, type ListenOptions, type LogLevel } from "@medinfer/server";
import { Option, type Command } from "commander";
import { MedInferError } from "medinfer";
import closeWithGrace from "close-with-grace";
import { toCount, toPort, toSize, toThreads } from "../numbers.js";
import { listenOptions, type ServeOptions } from "../serve/listen-options.js";
import { refuseConnections } from "../serve/offline.js";
import { shortenPath } from "../shorten.js";

const LOG_LEVELS: readonly LogLevel[] = ["silent", "fatal", "error", "warn", "info", "debug", "trace"];

/** Without a host all are taken. */
const collectHosts = (value: string, hosts: string[] | true = []) => (hosts === true ? [value] : [...hosts, value]);
const collect = (value: string, values: string[] = []) => [...values, value];

/** `medinfer serve` */
export function addServe(program: Command): void {
  program
    .command("serve")
    .description("serve models over HTTP with OpenAI's API, until SIGTERM or Ctrl-C")
    .option(
      "--model <[name=]file>",
      "a GGUF file, and what requests call it; can be repeated; default: the tiny model inside the package",
      collect,
    )
    .addOption(
      new Option(
        "--models <file>",
        "several models with all of their options, as a JSON file; in place of these flags",
      ).conflicts(["model", "alias", "mmproj", "draft", "task", "nCtx", "batchSize", "nThreads", "chatTemplate"]),
    )
    .option("--alias <name>", "another name of the first model; can be repeated", collect)
    .option("--mmproj <file>", "the first model's projector; default: the one beside it")
    .option("--draft <file>", "a much smaller model of the first one's vocabulary, which guesses how answers go on")
    .option("--task <task>", "what the first model is for: generate, embed or rerank", "generate")
    .option("--host <address>", "0.0.0.0: every interface", "127.0.0.1")
    .option("--port <number>", "0: one that is free", toPort, 8080)
    .option("--socket <path>", "a Unix socket instead of host and port")
    .option("--keys <file>", "who may ask, as medinfer keys makes it; read again when it changes")
    .option("--open", "listen to other hosts without keys: everybody who reaches it may use it")
    .option(
      "--admin <place>",
      "a port of this host, HOST:PORT, or a Unix socket's path, where alone administrators' calls are",
    )
    .option("--tls-cert <file>", "serve HTTPS with this certificate (PEM)")
    .option("--tls-key <file>", "its private key (PEM)")
    .option("--tls-client-ca <file>", "ask for clients' certificates that these authorities signed, and refuse others")
    .option("--tls-passphrase <file>", "what the private key is encrypted with")
    .addOption(
      new Option("--tls-min-version <version>", "the oldest TLS that is spoken; default: Node's").choices([
        "TLSv1.2",
        "TLSv1.3",
      ]),
    )
    .option("--cors-origin <origin>", "an origin whose pages may read answers; can be repeated", collect)
    .option("--cors-private-network", "let pages of public sites reach a private network, where their browser asks")
    .option(
      "--image-urls [host]",
      "take images by URL, of public addresses alone; of these hosts, can be repeated",
      collectHosts,
    )
    .option("--image-url-limit <MiB>", "most of an image by URL; default 20", toSize)
    .option("--image-url-timeout <seconds>", "most time that one takes; default 10", toSize)
    .option("--offline", "open no connection but those that come in, whatever asks for one")
    .option("--n-ctx <tokens>", "the KV pool of all running requests", toCount)
    .option("--batch-size <requests>", "most requests at once", toCount)
    .option("--n-threads <threads>", "CPU threads; default auto: as many as the host has free", toThreads)
    .option("--chat-template <name>", "default: the model's own")
    .option("--memory-budget <MiB>", "most memory of all loaded models; what is unused for longest goes first", toCount)
    .option("--unload-after <seconds>", "unload models, but the first, that nobody has used for so long", toCount)
    .option("--refuse-while-loading", "answer 503 while a model loads, instead of waiting for it")
    .option("--max-tokens <tokens>", "of an answer whose request names no limit", toSize, 4096)
    .option("--time-limit <seconds>", "most time of an answer", toSize, 600)
    .option(
      "--read-patience <seconds>",
      "how long a client may read nothing of what waits for it; 0: for ever",
      toCount,
      120,
    )
    .option("--body-limit <MiB>", "most of a request's body", toCount, 32)
    .option("--response-state", "keep responses for an hour, so that previous_response_id finds them")
    .option("--files-folder <folder>", "keep files and batches there; default: /v1/files and /v1/batches are off")
    .option("--files-quota <MiB>", "most of all files of one tenant; default 10240", toSize)
    .option("--file-limit <MiB>", "most of one file in it; default 200", toSize)
    .option("--batch-concurrency <requests>", "most requests of a batch that run at once; default 8", toSize)
    .option("--drain <seconds>", "how long running requests may take at the end", toCount, 30)
    .addOption(
      new Option("--log-level <level>", "what is logged to stderr; info: every request")
        .choices(LOG_LEVELS)
        .default("warn"),
    )
    .option("--audit-log <file>", "who asked for what, when and with what outcome, as lines of JSON; never a text")
    .option("--audit-secret <file>", "what salts the digests of prompts; default: random, for as long as it runs")
    .option("--audit-required", "refuse requests while the audit log cannot be written")
    .option("--audit-max-size <MiB>", "begin another file beyond it; default 64", toSize)
    .option("--audit-max-age <hours>", "begin another file after it; default 24", toSize)
    .option("--audit-keep <files>", "how many files before the one that is written are kept; default: all", toCount)
    .addHelpText("after", examples)
    .action(run);
}

const examples = `
Examples:
  medinfer serve
  medinfer serve --model Medical-LLM-7B=/models/medical-7b.gguf --port 8080
  curl http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' \\
    -d '{"model": "medinfer-tiny", "messages": [{"role": "user", "content": "What is gout?"}], "stream": true}'`;

async function run(options: ServeOptions): Promise<void> {
  if (options.offline === true) refuseConnections();
  const server = await begin(await listenOptions(options));
  // A second signal ends the process at once.
  const { uninstall } = closeWithGrace({ delay: false, logger: false }, async () => {
    process.stderr.write("medinfer: ending: running requests finish first; another signal ends at once\n");
    await server.close();
  });
  process.stderr.write(`medinfer: listening on ${server.url}\n`);
  if (server.adminUrl !== undefined) process.stderr.write(`medinfer: administrators: ${server.adminUrl}\n`);
  try {
    await server.service.start();
  } catch (error) {
    uninstall(); // it would end the process with 0
    await server.close();
    if (options.models === undefined || !(error instanceof MedInferError)) throw error;
    throw new MedInferError(error.code, `${shortenPath(options.models)}: ${error.message}`, { cause: error });
  }
  const names = server.service.models.models.map((each) => each.name).join(", ");
  process.stderr.write(`medinfer: ready: ${names}\n`);
}

async function begin(options: ListenOptions) {
  try {
    return await listen(options);
  } catch (error) {
    // Two models of one name.
    if (error instanceof RangeError) throw new MedInferError("INVALID_ARGUMENT", error.message, { cause: error });
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof MedInferError) throw error;
    const where = options.socket ?? `${options.host}:${options.port}`;
    const why = code === "EADDRINUSE" ? "something listens there already: name another port" : `it fails with ${code}`;
    throw new MedInferError("INVALID_ARGUMENT", `cannot listen on ${shortenPath(where)}: ${why}`);
  }
}
