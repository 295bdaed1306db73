import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import process from "node:process";
import { createInterface } from "node:readline";
import { Option, type Command } from "commander";
import { MedInferError, type EmbedOptions } from "medinfer";
import { addModelFlags, loadEngine } from "../flags/model-flags.js";
import { addServerFlags, namedServer } from "../flags/server-flags.js";
import { withInterrupt } from "../interrupt.js";
import { toCount } from "../numbers.js";
import { printLineWhenRead } from "../output.js";
import { remoteEmbeddings, type TextEmbedding } from "../remote/remote-embeddings.js";
import { shortenPath } from "../shorten.js";

interface EmbedCommandOptions {
  model?: string;
  file?: string;
  pooling?: "auto" | "mean" | "cls" | "last";
  normalize: boolean;
  dimensions?: number;
  truncate?: true;
}

const examples = `
Every line is {"index", "embedding", "tokens"}; "tokens" is known of models that are loaded here.

Examples:
  medinfer embed --model all-MiniLM-L6-v2.gguf "chest pain" "pain in the chest"
  medinfer embed --model all-MiniLM-L6-v2.gguf --file reports.txt > embeddings.jsonl
  medinfer embed --url http://127.0.0.1:8080 --file - < reports.txt | jq -c .embedding`;

/** `medinfer embed` */
export function addEmbed(program: Command): void {
  const command = program
    .command("embed")
    .description("the embeddings of texts, one JSON line each")
    .argument("[texts...]", "the texts; without them and --file: the lines of stdin")
    .option("--file <file>", "a file with one text a line; - is stdin")
    .addOption(
      new Option("--pooling <name>", "how tokens become one row; default: as the model's file says").choices([
        "auto",
        "mean",
        "cls",
        "last",
      ]),
    )
    .option("--no-normalize", "leave the rows as long as the model makes them")
    .option("--dimensions <floats>", "only the first so many of each row", toCount)
    .option("--truncate", "cut texts that are too long, in place of failing");
  addServerFlags(addModelFlags(command)).addHelpText("after", examples).action(run);
}

async function run(texts: string[], options: EmbedCommandOptions, command: Command): Promise<void> {
  const { file, pooling, model, normalize, dimensions, truncate = false } = options;
  if (texts.length > 0 && file !== undefined) command.error("texts and --file: leave one of them out");
  const source = texts.length > 0 ? texts : linesOf(file ?? "-");
  const server = namedServer(command);
  if (server !== undefined && (pooling !== undefined || !normalize)) {
    command.error("--pooling and --no-normalize are of a model that is loaded here: leave them out beside --url");
  }
  await withInterrupt(async (signal) => {
    if (server !== undefined) {
      const name = await server.modelFor("embed", model, signal);
      return print(remoteEmbeddings(server, name, source, { dimensions, truncate }, signal));
    }
    const engine = await loadEngine(command, {
      task: "embed",
      mmproj: null,
      signal,
      ...(pooling === undefined ? {} : { pooling }),
    });
    try {
      const asked: EmbedOptions = { normalize, truncate, signal, ...(dimensions === undefined ? {} : { dimensions }) };
      await print(engine.embedStream(source, asked));
    } finally {
      await engine.close();
    }
  });
}

async function print(embeddings: AsyncIterable<TextEmbedding>): Promise<void> {
  for await (const { index, embedding, tokens, cutTokens } of embeddings) {
    const row = { index, embedding: Array.from(embedding), ...(tokens === undefined ? {} : { tokens }) };
    await printLineWhenRead(JSON.stringify(cutTokens ? { ...row, cutTokens } : row));
  }
}

/** The lines of a file, one by one: it may be longer than memory. A line without text is refused by its number. */
async function* linesOf(file: string): AsyncGenerator<string, void, undefined> {
  const name = file === "-" ? "stdin" : shortenPath(file);
  const input = file === "-" ? process.stdin : await openToRead(file, name);
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    number += 1;
    if (line.trim() === "") throw new MedInferError("INVALID_ARGUMENT", `${name}: line ${number} has no text`);
    yield line;
  }
}

async function openToRead(file: string, name: string): Promise<NodeJS.ReadableStream> {
  try {
    const handle = await open(file);
    return createReadStream("", { fd: handle });
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new MedInferError("INVALID_ARGUMENT", `${name} cannot be read (${code}): check the path`);
  }
}
