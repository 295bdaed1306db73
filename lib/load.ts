/** Loads a model: options -> files -> native engine. */
import process from "node:process";
import { AdapterList } from "./adapters/adapter-list.js";
import { adapterBytes, loadAdapters } from "./adapters/load-adapter.js";
import { onAbort } from "./abort.js";
import { addonDirectory, loadAddon } from "./native/addon.js";
import type { NativeAddon, NativeEngine, NativeModelInfo } from "./native/types.js";
import { findAdapter } from "./chat/adapters.js";
import { ControlTokens, findControlTokens } from "./chat/control-tokens.js";
import { findTemplate } from "./chat/registry.js";
import { findCudaBackend, type CudaBackend } from "./native/cuda-backend.js";
import type { EngineCore } from "./core.js";
import { Dispatcher } from "./native/dispatcher.js";
import { abortedError, argumentError, MedInferError } from "./errors.js";
import { resolveDraft, resolveModel, type ModelFiles } from "./models/resolve.js";
import type { ModelInfo } from "./native/model-info.js";
import {
  loadOptionsSchema,
  toNativeLoadOptions,
  type LoadOptions,
  type ResolvedLoadOptions,
} from "./options/load-options.js";
import { packageRoot } from "./package-root.js";
import { parse } from "./validation/parse.js";

/** See Engine.load. */
export async function loadCore(given: LoadOptions): Promise<EngineCore> {
  const options = parse(loadOptionsSchema, given, "Engine.load");
  throwIfAborted(options.signal);
  if (options.chatTemplate !== undefined) findTemplate(options.chatTemplate);
  const mmproj = projectorFor(options);
  if (options.task !== "generate" && options.adapters.length > 0) {
    throw argumentError("Engine.load", "adapters", 'are for task "generate"');
  }
  if (options.task !== "generate" && options.draft !== undefined) {
    throw argumentError("Engine.load", "draft", 'is for task "generate"');
  }
  if (options.task !== "generate" && options.heads === true) {
    throw argumentError("Engine.load", "heads", 'are for task "generate"');
  }
  if (options.draft !== undefined && options.heads === true) {
    throw argumentError("Engine.load", "heads", "cannot guess beside a draft model: leave heads or draft out");
  }
  const files = { ...(await resolveModel(options.model, mmproj)), draftPath: await resolveDraft(options.draft) };
  throwIfAborted(options.signal);
  const addon = loadAddon();
  const usesGpu = options.device === "cuda" || (options.device === "auto" && options.nGpuLayers !== 0);
  const cuda = usesGpu ? findCudaBackend(addonDirectory(), packageRoot()) : {};
  const dispatcher = new Dispatcher();
  const native = await loadNative(addon, options, { ...files, cuda }, dispatcher);
  try {
    const warning = native.info.warning || (cuda.surprising === true ? (cuda.problem ?? "") : "");
    if (warning !== "") warn("MEDINFER_CPU", `the model runs on the CPU: ${warning}`);
    const { projectorWarning } = native.info;
    if (projectorWarning !== "") warn("MEDINFER_MMPROJ", `the model reads no images: ${projectorWarning}`);
    // The package's own path says nothing about its model.
    const adapted = adapt(
      { ...native.info, warning },
      options.model === undefined ? "" : files.modelPath,
      options.chatTemplate,
    );
    // Prompts alone are made of texts that must not act as those.
    const control = options.task === "generate" ? await findControlTokens(native) : ControlTokens.none;
    throwIfAborted(options.signal);
    const { maxImageBytes, adapters: sources, signal } = options;
    const own = { adapters: new AdapterList(), closed: new AbortController() };
    const core = { native, dispatcher, control, maxImageBytes, ...own, ...adapted };
    await loadAdapters(core, sources, signal);
    return core;
  } catch (error) {
    await native.close();
    throw error;
  }
}

/** Texts that are embedded or reranked hold no images, so no projector is looked for. */
function projectorFor({ task, pooling, mmproj }: ResolvedLoadOptions) {
  if (pooling !== "auto" && task !== "embed") throw argumentError("Engine.load", "pooling", 'is for task "embed"');
  if (task === "generate") return mmproj;
  if (mmproj !== "auto" && mmproj !== null) throw argumentError("Engine.load", "mmproj", 'is for task "generate"');
  return null;
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
  { cuda, ...files }: ModelFiles & { draftPath: string; cuda: CudaBackend },
  dispatcher: Dispatcher,
): Promise<NativeEngine> {
  const paths = { ...files, cudaBackend: cuda.path ?? "", cudaProblem: cuda.problem ?? "" };
  const progress = new ProgressReport(options.onProgress);
  const abort = () => load.abort();
  const load = addon.load(
    toNativeLoadOptions(options, { ...paths, adapterBytes: adapterBytes(options.adapters) }),
    dispatcher.onEvents,
    (fraction) => progress.report(fraction, abort),
  );
  const removeListener = onAbort(options.signal, abort);
  try {
    const native = await load.engine;
    if (progress.failure !== undefined || options.signal?.aborted === true) await native.close();
    progress.rethrow();
    throwIfAborted(options.signal);
    return native;
  } catch (error) {
    progress.rethrow();
    throwIfAborted(options.signal);
    throw explain(error, options.mmproj === "auto");
  } finally {
    removeListener();
  }
}

/** The caller left the choice to us, and may have expected another: one warning for each load. */
function warn(code: string, message: string): void {
  process.emitWarning(message, { type: "MedInferWarning", code });
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

function explain(error: unknown, mmprojGuessed: boolean): unknown {
  if (!(error instanceof MedInferError) || error.code !== "BAD_MMPROJ" || !mmprojGuessed) return error;
  return new MedInferError(
    "BAD_MMPROJ",
    `${error.message} (it was found beside the model: name another with mmproj, or pass mmproj: null)`,
    { cause: error },
  );
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedError("the load", signal.reason);
}
