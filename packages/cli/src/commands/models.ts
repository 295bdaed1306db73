import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { MedInferError } from "medinfer";
import { complaintOf } from "../complaint.js";
import { addServerFlags, namedServer } from "../flags/server-flags.js";
import { readGgufHeader } from "../gguf/read-header.js";
import type { GgufHeader } from "../gguf/types.js";
import { formatBytes, formatCount, printJson, printLine, printTable } from "../output.js";
import type { RemoteModel } from "../remote/server.js";
import { withInterrupt } from "../interrupt.js";
import { shorten, shortenPath } from "../shorten.js";

/** A GGUF file, as its header describes it. */
interface ModelFile {
  file: string;
  bytes: number;
  kind: "model" | "projector" | "adapter" | "part";
  name: string;
  architecture: string;
  parameters: number;
  /** The type that most of its bytes have. */
  weights: string;
  /** Tokens that the model was trained for; undefined: it does not say. */
  context?: number;
  /** Why it cannot be read; the other fields are then empty. */
  error?: string;
}

const examples = `
Examples:
  medinfer models /models
  medinfer models --url http://127.0.0.1:8080
  medinfer models /models --json | jq -r '.[] | select(.kind == "model") | .file'`;

/** `medinfer models` */
export function addModels(program: Command): void {
  const command = program
    .command("models")
    .description("list the GGUF files of a folder, or the models of a server; weights are not read")
    .argument("[folder]", "searched with all folders in it; default: the current one")
    .option("--json", "print all that is known of each");
  addServerFlags(command).addHelpText("after", examples).action(run);
}

async function run(folder: string | undefined, { json }: { json?: true }, command: Command): Promise<void> {
  const server = folder === undefined ? namedServer(command) : undefined;
  if (server !== undefined) {
    const models = await withInterrupt((signal) => server.models(signal));
    return json ? printJson(models) : printTable(models.map(remoteRow));
  }
  if (command.getOptionValueSource("url") === "cli") command.error("a folder and --url: leave one of them out");
  const files = ggufFiles(folder ?? ".").map(describe);
  if (json) printJson(files);
  else if (files.length === 0) printLine("no GGUF files");
  else printTable(files.map(rowOf));
}

function ggufFiles(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new MedInferError("MODEL_NOT_FOUND", `${shortenPath(folder)} cannot be read (${code}): name a folder`);
  }
  const files = names.filter((name) => /\.gguf$/i.test(name)).sort();
  return files.map((name) => path.join(folder, name));
}

function describe(file: string): ModelFile {
  const empty = { kind: "model" as const, name: "", architecture: "", parameters: 0, weights: "" };
  try {
    const header = readGgufHeader(file);
    const architecture = text(header, "general.architecture");
    const context = header.metadata.get(`${architecture}.context_length`)?.value;
    return {
      file,
      bytes: header.fileBytes,
      kind: kindOf(file, header, architecture),
      name: text(header, "general.name"),
      architecture,
      parameters: header.tensors.reduce((sum, { elements }) => sum + elements, 0),
      weights: mainType(header),
      ...(context === undefined ? {} : { context: Number(context) }),
    };
  } catch (error) {
    const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    return { file, bytes, ...empty, error: complaintOf(error) };
  }
}

function kindOf(file: string, header: GgufHeader, architecture: string): ModelFile["kind"] {
  if (architecture === "clip" || text(header, "general.type") === "mmproj") return "projector";
  if (text(header, "general.type") === "adapter") return "adapter";
  // Of a model in parts, only the first is named.
  return /-(?!00001)\d{5}-of-\d{5}\.gguf$/.test(file) ? "part" : "model";
}

function text({ metadata }: GgufHeader, key: string): string {
  const value = metadata.get(key)?.value;
  return typeof value === "string" ? value : "";
}

function mainType({ tensors }: GgufHeader): string {
  const bytes = new Map<string, number>();
  for (const { type, bytes: size = 0 } of tensors) bytes.set(type, (bytes.get(type) ?? 0) + size);
  const [most] = [...bytes].sort(([, a], [, b]) => b - a);
  return most?.[0] ?? "";
}

function rowOf({ file, bytes, kind, name, architecture, parameters, weights, context, error }: ModelFile): string[] {
  const size = formatBytes(bytes);
  if (error !== undefined) return [shortenPath(file), size, "damaged", "", "", "", error];
  const tokens = context === undefined ? "" : `context ${context}`;
  return [shortenPath(file), size, kind, architecture, `${formatCount(parameters)} ${weights}`, tokens, shorten(name)];
}

function remoteRow({ id, task, aliases = [], status }: RemoteModel): string[] {
  return [shorten(id), task ?? "", status?.value ?? "", aliases.map((each) => shorten(each)).join(", ")];
}
