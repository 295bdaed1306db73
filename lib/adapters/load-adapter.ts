import { statSync } from "node:fs";
import { basename } from "node:path";
import type { EngineCore } from "../core.js";
import { abortedError } from "../errors.js";
import { runTask } from "../native/task.js";
import { requireTask } from "../require-task.js";
import { filePath } from "../session/file.js";
import { parse } from "../validation/parse.js";
import { LoraAdapter } from "./lora-adapter.js";
import { loadAdapterSchema, type AdapterSource, type LoadAdapterOptions } from "./options.js";

/** See Engine.loadAdapter. `call`: as messages name it. */
export async function loadAdapter(
  core: EngineCore,
  given: string | URL,
  options: LoadAdapterOptions,
  call = "engine.loadAdapter",
): Promise<LoraAdapter> {
  requireTask(core, "generate", call);
  const path = filePath(call, given);
  const { signal, name = basename(path).replace(/\.gguf$/i, "") } = parse(loadAdapterSchema, options, call);
  if (signal?.aborted === true) throw abortedError(call, signal.reason);
  core.native.stats(); // a closed engine says so, whatever names it still knows
  return core.adapters.add(name, call, async () => {
    try {
      const end = await runTask(core, "adapterLoaded", (native) => native.loadAdapter(path), signal);
      return new LoraAdapter(core, end.id, { name, path }, end.info);
    } catch (error) {
      throw signal?.aborted === true ? abortedError(call, signal.reason) : error;
    }
  });
}

/** Those of Engine.load, one after another. */
export async function loadAdapters(
  core: EngineCore,
  sources: readonly AdapterSource[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const source of sources) {
    const { path, name } = named(source);
    const options = { ...(name === undefined ? {} : { name }), ...(signal === undefined ? {} : { signal }) };
    await loadAdapter(core, path, options, "Engine.load: adapters");
  }
}

/** What their files take; a file that cannot be read takes nothing, and fails when it is loaded. */
export function adapterBytes(sources: readonly AdapterSource[]): number {
  return sources.reduce((sum, source) => {
    return sum + sizeOf(filePath("Engine.load: adapters", named(source).path));
  }, 0);
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

function named(source: AdapterSource): { path: string | URL; name?: string } {
  return typeof source === "string" || !("path" in source) ? { path: source } : source;
}
