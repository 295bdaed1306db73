/** Facts about a loaded model and counters of its engine. Plain numbers and names: no text of any request. */

/** What the loaded files say about themselves, and what they were loaded with. */
export interface ModelInfo {
  /** E.g. `"llama 7B Q4_K - Medium"`. */
  description: string;
  /** The model's own name; may be empty. */
  name: string;
  /** The Jinja chat template in the model file; may be empty. */
  chatTemplate: string;
  /** Text of the beginning-of-sequence token; may be empty. */
  bosToken: string;
  /** Text of the end-of-sequence token. */
  eosToken: string;
  /** Tokens that end the model's turn, and those that only look as if they did, in the order of their ids. */
  endTokens: EndToken[];
  /** The tokens by which the model is asked for the text between two others; null: it has not all of them. */
  infill: InfillTokens | null;
  /** Text of the padding token, where an adapter names one: otherwise empty. The engine itself pads nothing. */
  padToken: string;
  /** The name of the adapter that was found for the model, see {@link registerModelAdapter}; may be empty. */
  adapter: string;
  parameters: number;
  /** Size of the weights. */
  bytes: number;
  /** Size of the vocabulary. */
  nVocab: number;
  /** Width of an embedding. */
  nEmbd: number;
  nLayer: number;
  /** The context the model was trained for, in tokens. */
  nCtxTrain: number;
  /** The KV pool, in tokens. */
  nCtx: number;
  /** Most tokens of one request. */
  nCtxPerRequest: number;
  /** Most requests at once. */
  batchSize: number;
  /** Most tokens of one forward pass. */
  nUbatch: number;
  /** What the engine was loaded for, see {@link LoadOptions.task}. */
  task: "generate" | "embed" | "rerank";
  /** How the tokens' rows become one: `"mean"`, `"cls"`, `"last"` or `"rank"`. Empty with the task `"generate"`. */
  pooling: string;
  /** Floats of an embedding, or of what a classifier gives of a document. 0 with the task `"generate"`. */
  nRow: number;
  /** Names of what a reranker's classifier gives, where its file has some, such as `"yes"` and `"no"`. */
  labels: string[];
  /** Whether the model reads images. */
  vision: boolean;
  /** What reads them; null: nothing does. */
  projector: ProjectorInfo | null;
  /** The draft model, e.g. `"llama 1B Q8_0"`; empty: there is none. */
  draft: string;
  /** Whether prediction heads of the model guess how answers go on, see {@link LoadOptions.heads}. */
  heads: boolean;
  /** Why none of the projectors beside the model was taken, where there are some and none was named. Mostly empty. */
  projectorWarning: string;
  /** Layers on a GPU, the output counted as one; 0: the model runs on the CPU. */
  nGpuLayers: number;
  /** What the model takes of each device's memory, in bytes; `"CPU"` is the host's. */
  memory: DeviceMemory[];
  /** Why the model is on the CPU, where a GPU could have been used: see {@link LoadOptions.device}. Mostly empty. */
  warning: string;
}

/** Ids of the tokens of {@link CompleteOptions.inputPrefix} and its like. */
export interface InfillTokens {
  prefix: number;
  suffix: number;
  middle: number;
}

/** What was decided about a token that ends the model's turn, or looks as if it did, such as `</s>`. */
export interface EndToken {
  id: number;
  /** As the vocabulary writes it. */
  text: string;
  /**
   * True: an answer ends where it is drawn, and `complete` reads its text as the token. False: the file has it as ordinary
   * text and names another end, so that is what it is: markup such as `</s>` in the vocabularies of Qwen2.5 and Gemma.
   */
  ends: boolean;
}

/** What reads images. */
export interface ProjectorInfo {
  /** As llama.cpp names it, e.g. `"qwen2vl_merger"`. */
  kind: string;
  /**
   * LLaVA and its relatives: how the file's layers are read. Their projector takes what goes into the tower's last layer, so
   * that one never runs. `"named"`: the file says which layer is taken. It may not: `"dropped"` then means that it lacks the
   * last layer, as LLaVA's own converter writes it, and `"whole"` that it has it.
   */
  layers?: { reading: "named" | "dropped" | "whole"; run: number; stored: number };
}

/** What a loaded model takes of one device's memory, in bytes. */
export interface DeviceMemory {
  /** The name in {@link Device}. */
  device: string;
  weights: number;
  kv: number;
  /** Buffers of the largest forward pass. */
  compute: number;
  /** The vision projector: weights, and buffers for an image of the usual size. */
  projector: number;
}

/** The KV pool, in pages of `pageSize` tokens: those free, used and cached make up the pool. */
export interface KvStats {
  /**
   * Whether pages are shared. False for a model with sliding windows, recurrent states or the like: it keeps memory of
   * its own, and nothing is cached.
   */
  paged: boolean;
  pageSize: number;
  pages: number;
  /** Hold nothing. */
  pagesFree: number;
  /** Held by running requests and by sessions. */
  pagesUsed: number;
  /** Have more than one holder: requests, or a request and the cache. */
  pagesShared: number;
  /** Held by nobody, kept for prompts that begin alike, and given up when room is needed. */
  pagesCached: number;
  /** Given up so far. */
  pagesEvicted: number;
  /** Share of the tokens in used pages that nobody holds, from 0 to 1. */
  fragmentation: number;
  /** Requests that found a part of their prompt. */
  prefixHits: number;
  /** Tokens of prompts that were found and not computed. */
  tokensSaved: number;
  /** Tokens of requests that gave way to others, which `kv.swapBytes` kept from being computed again. */
  tokensSwapped: number;
  /** Bytes that requests which gave way hold outside the pool, now. */
  swapBytes: number;
  /** Pages that left the pool and are kept beside it (`kv.hostCacheBytes`), now. */
  hostPages: number;
  /** Bytes that they take. */
  hostBytes: number;
  /** Pages on a disk (`kv.diskCacheFolder`), because host memory has no room for them, now. */
  diskPages: number;
  /** Bytes that they take. */
  diskBytes: number;
  /** Pages that the disk did not take, because it was slow or full, or gave back damaged: they are computed again. */
  diskLost: number;
  /** Of `tokensSaved`, those that were copied back from there. */
  tokensRestored: number;
}

/** A snapshot of an engine's counters. */
export interface EngineStats {
  /** Requests that wait for a place in the batch, now. */
  queued: number;
  /** Requests that wait for their images, now. */
  encoding: number;
  /** Requests that generate, now. */
  running: number;
  /** Of the running, those whose consumer does not read. */
  paused: number;
  /** Requests that ended well, since load. */
  completed: number;
  failed: number;
  aborted: number;
  /** Forward passes since load. */
  steps: number;
  /** Milliseconds that they took; what a step takes beside its pass is the engine's. */
  stepMs: number;
  /** Of them, those that ran the graph of the pass before: a GPU replays it. */
  graphsReused: number;
  /** Tokens read since load. */
  promptTokens: number;
  /** Tokens generated since load. */
  generatedTokens: number;
  /** Tokens that were proposed ahead of the model, since load. */
  draftTokens: number;
  /** Of them, those that it drew. */
  acceptedTokens: number;
  /** How often a request was put back into the queue to free memory. */
  preemptions: number;
  imagesEncoded: number;
  imageCacheHits: number;
  /** Passes of the encoder: fewer than `imagesEncoded` where images shared one. */
  imageBatches: number;
  /** Milliseconds that they took; reading and scaling of images is left out. */
  imageMs: number;
  /** Size of the KV pool, in tokens. */
  kvCells: number;
  /** Of them, held by running requests now; what several share counts for each. */
  kvCellsUsed: number;
  /** The pages of the pool. */
  kv: KvStats;
  /** Bytes of cached image embeddings, now. */
  imageCacheBytes: number;
  /** CPU threads of the latest forward pass. */
  threads: number;
}

/** What the vision encoder makes of an image. */
export interface ImageEmbedding {
  /** Row by row: `tokens` rows of `width` floats. */
  values: Float32Array;
  /** How many tokens the image takes in a prompt. */
  tokens: number;
  /** Floats per token. */
  width: number;
  /** Whether it came from the cache, or was on its way there; never with `imageCacheBytes: 0`. */
  cached: boolean;
}

/** A device that can compute. */
export interface Device {
  /** E.g. `"CPU"` or `"CUDA0"`. */
  name: string;
  /** E.g. `"AMD EPYC"`. */
  description: string;
  /** `"cpu"`, `"cuda"`, … */
  backend: string;
  /** Bytes. */
  memoryTotal: number;
  /** Bytes. */
  memoryFree: number;
  /** Of a CUDA device: the driver's version, e.g. `"580.65.06"`, where the system says. */
  driver?: string;
  /** Of a CUDA device, e.g. `"9.0"`. */
  computeCapability?: string;
}
