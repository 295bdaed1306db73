import { Option, type Command } from "commander";
import { Engine, type LoadOptions } from "medinfer";
import { toCount, toThreads } from "../numbers.js";

const MODEL = "Model:";

/** Flags of the model that a command loads. `--chat-template` is no part of them: requests have it. */
export function addModelFlags(command: Command): Command {
  const options = [
    new Option("--model <file>", "a GGUF file, or a folder with one; default: the tiny model inside the package"),
    new Option("--mmproj <file>", "the model's projector; default: the one beside it"),
    new Option("--draft <file>", "a much smaller model of the same vocabulary, which guesses how answers go on"),
    new Option("--device <name>", "where it runs; default auto: on a GPU where that works").choices([
      "auto",
      "cpu",
      "cuda",
    ]),
    new Option("--n-gpu-layers <layers>", "layers on the GPU; default: as many as fit").argParser(toCount),
    new Option("--n-ctx <tokens>", "the KV pool of all running requests").argParser(toCount),
    new Option("--batch-size <requests>", "most requests at once").argParser(toCount),
    new Option("--n-threads <threads>", "CPU threads; default auto: as many as the host has free").argParser(toThreads),
  ];
  for (const each of options) command.addOption(each.helpGroup(MODEL));
  return command;
}

/** Names of the flags that only a model of one's own can use. */
export const modelFlagNames = ["mmproj", "draft", "device", "nGpuLayers", "nCtx", "batchSize", "nThreads"] as const;

/** What the flags say of the model; left out: the library's defaults hold. */
export function loadOptions(command: Command): LoadOptions {
  const given = command.opts<LoadOptions>();
  const named = ["model", ...modelFlagNames] as const;
  const entries = named.filter((name) => given[name] !== undefined).map((name) => [name, given[name]]);
  return Object.fromEntries(entries) as LoadOptions;
}

/**
 * Loads the model that the flags name.
 *
 * @param more options of the command's own
 */
export function loadEngine(command: Command, more: LoadOptions): Promise<Engine> {
  return Engine.load({ ...loadOptions(command), ...more });
}
