import type { LoadOptions } from "medinfer";

/** A model that the server offers. */
export interface ModelConfig extends Omit<LoadOptions, "signal" | "onProgress"> {
  /** What requests call it. */
  name: string;
  /** Other names for it. Default none. */
  aliases?: readonly string[];
  /** Whether it is loaded at the start, and never unloaded to make room. Default false. */
  keepLoaded?: boolean;
}
