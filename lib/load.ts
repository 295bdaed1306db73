/** Loads a model: options -> files -> native engine. */
import { onAbort } from "./abort.js";
import {
  addonDirectory,
  loadAddon,
  packageRoot,
  type NativeAddon,
  type NativeEngine,
  type NativeModelInfo,
} from "./binding.js";
import { findAdapter } from "./chat/adapters.js";
import { findControlTokens } from "./chat/control-tokens.js";
import { findTemplate } from "./chat/registry.js";
import { findCudaBackend } from "./cuda-backend.js";
import type { EngineCore } from "./core.js";
import { Dispatcher } from "./dispatcher.js";
import { abortedError, MedInferError, toMedInferError } from "./errors.js";
import { resolveModel } from "./models/resolve.js";
import type { ModelInfo } from "./model-info.js";
import {
  loadOptionsSchema,
  toNativeLoadOptions,
  type LoadOptions,
  type ResolvedLoadOptions,
} from "./options/load-options.js";
import { parse } from "./validation/parse.js";

/** See Engine.load. */
export async function loadCore(given: LoadOptions): Promise<EngineCore> {
  const options = parse(loadOptionsSchema, given, "Engine.load");
  throwIfAborted(options.signal);
  if (options.chatTemplate !== undefined) findTemplate(options.chatTemplate);
  const files = await resolveModel(options.model, options.mmproj);
  throwIfAborted(options.signal);
  const addon = loadAddon();
  const usesGpu = options.device === "cuda" || (options.device === "auto" && options.nGpuLayers !== 0);
  const cuda = usesGpu ? findCudaBackend(addonDirectory(), packageRoot) : {};
  if (options.device === "cuda" && cuda.path === undefined) throw new MedInferError("NO_DEVICE", cuda.problem ?? "");
  const dispatcher = new Dispatcher();
  const native = await loadNative(addon, options, { ...files, cudaBackend: cuda.path ?? "" }, dispatcher);
  try {
    const warning = native.info.warning || (cuda.surprising === true ? (cuda.problem ?? "") : "");
    if (warning !== "") warnOfCpu(warning);
    // The package's own path says nothing about its model.
    const adapted = adapt(
      { ...native.info, warning },
      options.model === undefined ? "" : files.modelPath,
      options.chatTemplate,
    );
    const control = await findControlTokens(native);
    throwIfAborted(options.signal);
    return { native, dispatcher, control, maxImageBytes: options.maxImageBytes, ...adapted };
  } catch (error) {
    await native.close();
    throw toMedInferError(error);
  }
}

/** What is known of the model, and how it chats: as the caller says, or else its adapter, or else its file. */
function adapt(model: NativeModelInfo, path: string, asked: string | undefined) {
  const { name = "", description = "", chatTemplate = "" } = model;
  const adapter = findAdapter({ path, name, description, chatTemplate });
  const tokens = adapter?.specialTokens ?? {};
  const eosToken = tokens.eos ?? model.eosToken;
  const padToken = tokens.pad === "eos" ? eosToken : (tokens.pad ?? "");
  const info: ModelInfo = {
    ...model,
    bosToken: tokens.bos ?? model.bosToken,
    eosToken,
    padToken,
    adapter: adapter?.name ?? "",
  };
  if (asked === undefined && adapter?.chatTemplate !== undefined) findTemplate(adapter.chatTemplate);
  return {
    info: freezeAll(info),
    chatTemplate: asked ?? adapter?.chatTemplate ?? (chatTemplate || undefined),
    stopStrings: asked === undefined ? (adapter?.stopStrings ?? []) : [],
  };
}

/** What everybody sees of one engine nobody changes. */
function freezeAll<T extends object>(value: T): T {
  for (const each of Object.values(value)) if (typeof each === "object" && each !== null) freezeAll(each as object);
  return Object.freeze(value);
}

async function loadNative(
  addon: NativeAddon,
  options: ResolvedLoadOptions,
  files: { modelPath: string; mmprojPath: string; mmprojGuessed: boolean; cudaBackend: string },
  dispatcher: Dispatcher,
): Promise<NativeEngine> {
  const { mmprojGuessed, ...paths } = files;
  const progress = new ProgressReport(options.onProgress);
  const abort = () => load.abort();
  const load = attempt(() =>
    addon.load(toNativeLoadOptions(options, paths), dispatcher.onEvents, (fraction) =>
      progress.report(fraction, abort),
    ),
  );
  const unfollow = onAbort(options.signal, abort);
  try {
    const native = await load.engine;
    if (progress.failure !== undefined || options.signal?.aborted === true) await native.close();
    progress.rethrow();
    throwIfAborted(options.signal);
    return native;
  } catch (error) {
    progress.rethrow();
    throwIfAborted(options.signal);
    throw explain(toMedInferError(error), mmprojGuessed);
  } finally {
    unfollow();
  }
}

/** The caller left the choice to us, and may have expected another: it is said once for each load. */
function warnOfCpu(reason: string): void {
  process.emitWarning(`the model runs on the CPU: ${reason}`, { type: "MedInferWarning", code: "MEDINFER_CPU" });
}

/** Calls the user's progress function, and keeps what it throws: the addon calls us and must not see it. */
class ProgressReport {
  failure: { error: unknown } | undefined;

  constructor(private readonly onProgress: ((fraction: number) => void) | undefined) {}

  report(fraction: number, abort: () => void): void {
    if (this.failure !== undefined) return;
    try {
      this.onProgress?.(fraction);
    } catch (error) {
      this.failure = { error };
      abort();
    }
  }

  rethrow(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}

function explain(error: MedInferError, mmprojGuessed: boolean): MedInferError {
  if (error.code !== "BAD_MMPROJ" || !mmprojGuessed) return error;
  return new MedInferError(
    "BAD_MMPROJ",
    `${error.message} (it was found beside the model: name another with mmproj, or pass mmproj: null)`,
    { cause: error },
  );
}

function attempt<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw toMedInferError(error);
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedError("the load", signal.reason);
}
