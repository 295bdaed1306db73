import * as v from "valibot";
import { imageSchema } from "./chat/schema.js";
import type { EngineCore } from "./core.js";
import { abortedError } from "./errors.js";
import { loadImage, type ImageSource } from "./images/load.js";
import type { ImageEmbedding } from "./native/model-info.js";
import { runTask } from "./native/task.js";
import { requireTask } from "./require-task.js";
import { imageLoadOptions } from "./requests/image-loads.js";
import { requireVision } from "./requests/start.js";
import { object, signal } from "./validation/fields.js";
import { parse } from "./validation/parse.js";

/** Options of {@link Engine.embedImage}. */
export interface EmbedImageOptions {
  /** Aborting it ends the encoding with `ABORTED`. */
  signal?: AbortSignal;
}

/** Checks {@link EmbedImageOptions}. */
export const embedImageOptionsSchema = object({ signal: v.optional(signal()) });

/** See Engine.embedImage. */
export async function embedImage(
  core: EngineCore,
  image: ImageSource,
  given: EmbedImageOptions,
): Promise<ImageEmbedding> {
  requireTask(core, "generate", "engine.embedImage");
  const source = parse(imageSchema, image, "engine.embedImage: image");
  const { signal } = parse(embedImageOptionsSchema, given, "engine.embedImage: options");
  try {
    signal?.throwIfAborted();
    requireVision(core);
    const loaded = await loadImage(source, imageLoadOptions(core, signal));
    signal?.throwIfAborted();
    const end = await runTask(core, "embedded", (native) => native.embedImage(loaded), signal);
    const { values, tokens, width, cached } = end;
    // Of this realm, where the addon's may be of another.
    return { values: new Float32Array(values.buffer), tokens, width, cached };
  } catch (error) {
    throw signal?.aborted === true ? abortedError("engine.embedImage", signal.reason) : error;
  }
}
