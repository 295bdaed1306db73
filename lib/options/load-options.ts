/** What Engine.load takes. */
import process from "node:process";
import * as v from "valibot";
import { adapterSourcesSchema, type AdapterSource } from "../adapters/options.js";
import type { NativeLoadOptions } from "../native/types.js";
import { toUrl } from "../url.js";
import { any, autoOr, flag, integer, list, number, object, oneOf, signal, text } from "../validation/fields.js";

/** The KV cache. */
export interface KvOptions {
  /**
   * Type of the cached keys and values. `"q8_0"` takes 53 % of the memory of `"f16"`, `"q4_0"` 28 %. `"f32"` attends in F32,
   * which only the CPU does: with `device: "cuda"` it is refused, with `"auto"` the model stays on the CPU with a warning.
   * Default `"f16"`.
   */
  type?: "f32" | "f16" | "q8_0" | "q4_0";
  /** Tokens of a page, the unit in which the pool is given out and shared: 16, 32, 64, 128 or 256. Default 32. */
  pageSize?: 16 | 32 | 64 | 128 | 256;
  /**
   * Whether a prompt uses what earlier prompts and answers that begin alike have computed, images included. Requests of
   * tenants that must not share are separated by `cacheSalt`. Default true.
   */
  prefixCache?: boolean;
  /**
   * Whether attention on a CUDA device reads the pages of each request alone, instead of the whole pool behind a mask. It
   * changes nothing on the CPU, which does so anyway. On an H200 it is 1.04 to 1.25 times as fast. Default true.
   */
  gather?: boolean;
  /**
   * Most memory, in bytes and beside the pool, for the keys and values of requests that gave way to others; taken only
   * while there are such. What finds no room is computed again. Default `"auto"`: as many as the pool has.
   */
  swapBytes?: "auto" | number;
  /**
   * Most memory, in bytes and beside the pool, for pages that leave it: a prompt that begins like one of them copies them back
   * instead of computing them. Taken as pages leave; what is used least recently goes first. 0: none. Default `"auto"`: a
   * quarter of the memory that is free at load, at most 8 GiB; none where the pool is on a GPU, to which copying is slow.
   */
  hostCacheBytes?: "auto" | number;
  /**
   * A folder on a disk, for pages that `hostCacheBytes` has no room for: keys and values of prompts and images, so choose one
   * that patients' data may lie in. They are in one file without a name, which its owner alone could open and which is gone
   * when the process ends, however it ends. What is read is compared with a checksum. Default none: nothing is written.
   */
  diskCacheFolder?: string;
  /** Most bytes of that file; what is used least recently goes first. Default 16 GiB. Only with a folder. */
  diskCacheBytes?: number;
}

/** Options of {@link Engine.load}. All are optional. */
export interface LoadOptions {
  /**
   * What the engine is for. `"generate"`: `chat`, `complete`, sessions, `annotate`. `"embed"`: `embed` and `embedStream`.
   * `"rerank"`: `rerank`. Each refuses the others' calls with `WRONG_TASK`, as does the load where the model cannot do what
   * is asked for. Default `"generate"`.
   */
  task?: "generate" | "embed" | "rerank";
  /**
   * With `task: "embed"`: how the rows of a text's tokens become one. `"mean"`: their mean; `"cls"`: the first token's;
   * `"last"`: the last token's. `"auto"`: as the model's file says; a file that says nothing is refused with `WRONG_TASK`.
   * Default `"auto"`.
   */
  pooling?: "auto" | "mean" | "cls" | "last";
  /**
   * The model: a GGUF file, of a split model the first, or a folder with one model and, if it has one, its projector. A
   * path, or a `file:` URL. Default: the tiny model inside the package.
   */
  model?: string | URL;
  /**
   * The vision projector: a GGUF file; `"auto"`: of the `.gguf` files beside the model with `mmproj` in their names the one
   * that fits: its kind the model's architecture, its width the model's, its name the model's or that of the model that it
   * was made from. Where none does, or several do, there is none, and a process warning and `info.projectorWarning` say
   * why. `null`: none. Without one, images are refused with `NO_VISION`. Default `"auto"`.
   */
  mmproj?: "auto" | null | string | URL;
  /**
   * A second, much smaller model of the same family and vocabulary, which guesses how answers go on: a GGUF file. Its guesses
   * are looked at in the model's own passes and kept where the model draws the same, so that texts are what they are
   * without, in fewer passes; see `maxDraftTokens`. It takes memory for its weights and a KV pool of its own of `nCtx` tokens.
   * Default none.
   */
  draft?: string | URL;
  /**
   * Whether the model's own prediction heads ("MTP", "nextn": a layer behind the others that guesses the token after the next)
   * guess in a draft model's place. They take memory for that layer's weights, and for its keys and values in the KV pool.
   * True where there are none, or none that can be used, is refused with `INVALID_ARGUMENT`, and so is true with `draft`;
   * with false their weights are not loaded. Default: where the model has some that can be used, and no `draft` is named.
   */
  heads?: boolean;
  /**
   * Where the model runs. `"cuda"`: on NVIDIA GPUs, or the load fails with `NO_DEVICE`, `DEVICE_BUSY` or `OUT_OF_MEMORY`.
   * `"auto"`: there where the CUDA backend is installed and works, and otherwise on the CPU; what was wrong is reported by a
   * process warning and in `info.warning`. Default `"auto"`.
   */
  device?: "auto" | "cpu" | "cuda";
  /**
   * How many layers go to the GPU, the output counted as one; a number above the model's is all of them. `"auto"`: as many
   * as fit beside the KV pool, the compute buffers and the projector, with 1 GiB to spare. Default `"auto"`.
   */
  nGpuLayers?: "auto" | number;
  /**
   * How several GPUs share the model: `"none"`: `mainGpu` alone; `"layer"`: each has whole layers; `"tensor"`: each has a
   * part of every layer, where the model's architecture allows it; `"row"` is llama.cpp's older form of that, which its CUDA
   * backend no longer has: it is refused with `INVALID_ARGUMENT`. Default `"layer"`.
   */
  splitMode?: "none" | "layer" | "row" | "tensor";
  /** Each GPU's share, one for each GPU and in any unit, e.g. `[3, 1]`. Default: by free memory. */
  tensorSplit?: readonly number[];
  /** The GPU, counted from 0 among those that CUDA shows, of what is not divided: the projector, or all. Default 0. */
  mainGpu?: number;
  /** The KV pool that all running requests share, in tokens. Default 4096. */
  nCtx?: number;
  /** Most tokens of one request, prompt and answer. Default: `nCtx`, at most what the model was trained for. */
  nCtxPerRequest?: number;
  /** Most requests that run at once, from 1 to 256; others wait. Default 4, and 64 where texts are embedded or reranked. */
  batchSize?: number;
  /**
   * Token budget of one step over all requests. Default: `nUbatch`. Where texts are embedded or reranked, a pass takes as
   * many whole texts as fit, and a longer text alone.
   */
  nBatch?: number;
  /**
   * Most tokens of one forward pass; an abort takes effect within one. Where texts are embedded or reranked it is at least
   * `nCtxPerRequest` if the model has to read a text in one pass, as BERT and its relatives do. Default 512.
   */
  nUbatch?: number;
  /**
   * CPU threads; `"auto"`: at most as many CPUs as the process's affinity and its cgroups' quotas (rounded up) allow, and
   * fewer while the host is busy. Default `"auto"`.
   */
  nThreads?: "auto" | number;
  kv?: KvOptions;
  /** Most requests that wait; one more is refused with `QUEUE_FULL`. Default 1024. */
  maxQueue?: number;
  /** Most bytes of one image file. Default 64 MiB. */
  maxImageBytes?: number;
  /** Most pixels of one image, checked before it is decoded. Default 64 million. */
  maxImagePixels?: number;
  /** Memory for embeddings of images that were seen before, in bytes; 0: none is kept. Default 256 MiB. */
  imageCacheBytes?: number;
  /**
   * How messages become a prompt: a name (registered with {@link registerChatTemplate}, or built in, such as
   * `"vicuna"`), or a Jinja template. Default: that of the model's adapter (see {@link registerModelAdapter}), else the
   * one in the model file. Where there is none of these, `engine.chat` is refused unless a request names one.
   */
  chatTemplate?: string;
  /** Aborting it ends the load with `ABORTED`. */
  signal?: AbortSignal;
  /**
   * LoRA adapters to load with the model, one after another, as {@link Engine.loadAdapter} does; `nGpuLayers: "auto"`
   * leaves room for them. Where one cannot be loaded, neither is the model. Default none.
   */
  adapters?: readonly AdapterSource[];
  /** Called while the model loads, with a number from 0 to 1. An error thrown in it ends the load. */
  onProgress?: (fraction: number) => void;
}

const MAX_IMAGE_BYTES = 2 ** 32;

const pathSchema = any<string | URL>(
  (value) => toUrl(value) !== undefined || (typeof value === "string" && value !== ""),
  "a path or a file: URL",
);

const mmprojSchema = any<"auto" | null | string | URL>(
  (value) => value === null || toUrl(value) !== undefined || (typeof value === "string" && value !== ""),
  '"auto", null, a path or a file: URL',
);

/** Checks {@link LoadOptions} and fills in the defaults. */
export const loadOptionsSchema = object({
  model: v.optional(pathSchema),
  mmproj: v.optional(mmprojSchema, "auto"),
  draft: v.optional(pathSchema),
  heads: v.optional(flag()),
  task: v.optional(oneOf(["generate", "embed", "rerank"]), "generate"),
  pooling: v.optional(oneOf(["auto", "mean", "cls", "last"]), "auto"),
  device: v.optional(oneOf(["auto", "cpu", "cuda"]), "auto"),
  nGpuLayers: v.optional(autoOr(0, 100_000), "auto"),
  splitMode: v.optional(oneOf(["none", "layer", "row", "tensor"]), "layer"),
  tensorSplit: v.optional(
    v.pipe(
      list(number(0, 1e9), "shares"),
      v.check((shares) => shares.length === 0 || shares.some((share) => share > 0), "must hold a share above 0"),
    ),
    () => [],
  ),
  mainGpu: v.optional(integer(0, 1023), 0),
  nCtx: v.optional(integer(1, 2 ** 24), 4096),
  nCtxPerRequest: v.optional(integer(1, 2 ** 24)),
  batchSize: v.optional(integer(1, 256)),
  nBatch: v.optional(integer(1, 65536)),
  nUbatch: v.optional(integer(1, 65536), 512),
  nThreads: v.optional(autoOr(1, 512), "auto"),
  kv: v.optional(
    v.pipe(
      object({
        type: v.optional(oneOf(["f32", "f16", "q8_0", "q4_0"]), "f16"),
        pageSize: v.optional(
          any<16 | 32 | 64 | 128 | 256>(
            (value) => [16, 32, 64, 128, 256].includes(value as number),
            "16, 32, 64, 128 or 256",
          ),
          32,
        ),
        prefixCache: v.optional(flag(), true),
        gather: v.optional(flag(), true),
        swapBytes: v.optional(autoOr(0, 2 ** 46), "auto"),
        hostCacheBytes: v.optional(autoOr(0, 2 ** 46), "auto"),
        diskCacheFolder: v.optional(
          v.pipe(
            text({ filled: true }),
            v.check((folder) => !folder.includes("\0"), "must not hold a null character"),
          ),
        ),
        diskCacheBytes: v.optional(integer(1, 2 ** 46)),
      }),
      v.check(
        ({ diskCacheFolder, diskCacheBytes }) => diskCacheFolder !== undefined || diskCacheBytes === undefined,
        "names diskCacheBytes without a diskCacheFolder: nothing would be written",
      ),
      v.check(
        ({ prefixCache, diskCacheFolder }) => prefixCache || diskCacheFolder === undefined,
        "names a diskCacheFolder with prefixCache: false: nothing would be kept there",
      ),
      v.check(
        ({ prefixCache, hostCacheBytes }) => prefixCache || hostCacheBytes === "auto" || hostCacheBytes === 0,
        "names hostCacheBytes with prefixCache: false: nothing would be kept there",
      ),
    ),
    () => ({}),
  ),
  maxQueue: v.optional(integer(1), 1024),
  maxImageBytes: v.optional(integer(1, MAX_IMAGE_BYTES), 64 * 2 ** 20),
  maxImagePixels: v.optional(integer(1, 2 ** 40), 64_000_000),
  imageCacheBytes: v.optional(integer(0, 2 ** 46), 256 * 2 ** 20),
  adapters: adapterSourcesSchema,
  chatTemplate: v.optional(text({ filled: true })),
  signal: v.optional(signal()),
  onProgress: v.optional(any<(fraction: number) => void>((value) => typeof value === "function", "a function")),
}) satisfies v.GenericSchema<LoadOptions, unknown>;

/** Of `kv.diskCacheBytes`. */
const DISK_CACHE_BYTES = 2 ** 34;

/** {@link LoadOptions} with the defaults filled in. */
export type ResolvedLoadOptions = v.InferOutput<typeof loadOptionsSchema>;

/** A quarter of what is free, as containers are told it, at most 8 GiB. */
function autoHostBytes(): number {
  return Math.floor(Math.min(2 ** 33, process.availableMemory() / 4));
}

/** What the addon takes. */
export function toNativeLoadOptions(
  options: ResolvedLoadOptions,
  files: Pick<
    NativeLoadOptions,
    | "modelPath"
    | "draftPath"
    | "mmprojPath"
    | "mmprojCandidates"
    | "onlyModel"
    | "cudaBackend"
    | "cudaProblem"
    | "adapterBytes"
  >,
): NativeLoadOptions {
  return {
    ...files,
    heads: options.heads === undefined ? "auto" : options.heads ? "on" : "off",
    task: options.task,
    pooling: options.pooling,
    device: options.device,
    mainGpu: options.mainGpu,
    nGpuLayers: options.nGpuLayers === "auto" ? -1 : options.nGpuLayers,
    splitMode: options.splitMode,
    tensorSplit: [...options.tensorSplit],
    nCtx: options.nCtx,
    nCtxPerRequest: options.nCtxPerRequest ?? 0,
    batchSize: options.batchSize ?? (options.task === "generate" ? 4 : 64),
    nBatch: options.nBatch ?? 0,
    nUbatch: options.nUbatch,
    nThreads: options.nThreads === "auto" ? 0 : options.nThreads,
    kvType: options.kv.type,
    kvPageSize: options.kv.pageSize,
    kvPrefixCache: options.kv.prefixCache,
    kvGather: options.kv.gather,
    kvSwapBytes: options.kv.swapBytes === "auto" ? -1 : options.kv.swapBytes,
    kvHostBytes: options.kv.hostCacheBytes === "auto" ? autoHostBytes() : options.kv.hostCacheBytes,
    kvHostOnCpuOnly: options.kv.hostCacheBytes === "auto",
    kvDiskFolder: options.kv.diskCacheFolder ?? "",
    kvDiskBytes: options.kv.diskCacheBytes ?? DISK_CACHE_BYTES,
    maxQueue: options.maxQueue,
    maxImageBytes: options.maxImageBytes,
    maxImagePixels: options.maxImagePixels,
    imageCacheBytes: options.imageCacheBytes,
  };
}
