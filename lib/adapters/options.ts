/** What may be said of adapters. */
import * as v from "valibot";
import { any, list, number, object, signal, text } from "../validation/fields.js";
import { toUrl } from "../url.js";
import { LoraAdapter } from "./lora-adapter.js";

/** One adapter of a request. */
export interface AdapterUse {
  /** What {@link Engine.loadAdapter} gave, or its name. */
  adapter: LoraAdapter | string;
  /** Multiplies all that it adds; with 0 the request computes, and shares what it computes, as without it. From -100 to 100. Default 1. */
  scale?: number;
}

/** Options of {@link Engine.loadAdapter}. All are optional. */
export interface LoadAdapterOptions {
  /** What requests may call it. Default: its file's name without `.gguf`. */
  name?: string;
  /** Aborting it ends the load with `ABORTED`. */
  signal?: AbortSignal;
}

/** An adapter that {@link Engine.load} loads with the model: its path, or with a name. */
export type AdapterSource = string | URL | { path: string | URL; name?: string };

const isPath = (value: unknown) => toUrl(value) !== undefined || (typeof value === "string" && value !== "");

/** Most adapters of one request. */
const MOST = 16;

/** Checks a list of {@link AdapterUse}. */
export const adapterUsesSchema = v.optional(
  v.pipe(
    list(
      object({
        adapter: any<LoraAdapter | string>(
          (value) => value instanceof LoraAdapter || (typeof value === "string" && value !== ""),
          "what engine.loadAdapter gave, or its name",
        ),
        scale: v.optional(number(-100, 100), 1),
      }),
      "adapters, each an object",
    ),
    v.check((uses) => uses.length <= MOST, `must hold at most ${MOST} adapters`),
  ),
  () => [],
);

/** {@link AdapterUse} with the defaults filled in. */
export type ResolvedAdapterUse = v.InferOutput<typeof adapterUsesSchema>[number];

/** Checks {@link LoadAdapterOptions}. */
export const loadAdapterSchema = object({
  name: v.optional(text({ filled: true })),
  signal: v.optional(signal()),
});

const namedSchema = object({
  path: any<string | URL>(isPath, "a path or a file: URL"),
  name: v.optional(text({ filled: true })),
});

/** Checks a list of {@link AdapterSource}. */
export const adapterSourcesSchema = v.optional(
  list(
    v.lazy((value): v.GenericSchema<AdapterSource> =>
      isPath(value) || typeof value !== "object" || value === null
        ? any<string | URL>(isPath, "a path, a file: URL, or an object with a path")
        : namedSchema,
    ),
    "adapters",
  ),
  () => [],
);
