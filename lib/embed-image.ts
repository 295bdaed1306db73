import * as v from "valibot";
import { onAbort } from "./abort.js";
import type { NativeEvent } from "./native/types.js";
import { imageSchema } from "./chat/schema.js";
import type { EngineCore } from "./core.js";
import { abortedError, toMedInferError } from "./errors.js";
import { loadImage, type ImageSource } from "./images/load.js";
import type { ImageEmbedding } from "./native/model-info.js";
import { requireVision } from "./requests/start.js";
import { unlessClosed } from "./unless-closed.js";
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
  const source = parse(imageSchema, image, "engine.embedImage: image");
  const { signal } = parse(embedImageOptionsSchema, given, "engine.embedImage: options");
  try {
    signal?.throwIfAborted();
    requireVision(core);
    const bytes = await loadImage(source, { maxBytes: core.maxImageBytes, signal });
    signal?.throwIfAborted();
    return await encode(core, bytes, signal);
  } catch (error) {
    throw signal?.aborted === true ? abortedError("engine.embedImage", signal.reason) : toMedInferError(error);
  }
}

function encode(
  { native, dispatcher }: EngineCore,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<ImageEmbedding> {
  return new Promise((resolve, reject) => {
    const id = native.embedImage(bytes);
    const cancel = () => {
      try {
        unlessClosed(() => native.cancel(id));
      } catch (error) {
        reject(toMedInferError(error));
      }
    };
    const unfollow = onAbort(signal, cancel);
    dispatcher.register(id, {
      onEvent(event: NativeEvent) {
        if (event.type !== "embedded" && event.type !== "failed") return;
        unfollow();
        if (event.type === "failed") {
          reject(toMedInferError(event.error));
        } else {
          const { values, tokens, width, cached } = event;
          // Of this realm, where the addon's may be of another.
          resolve({ values: new Float32Array(values.buffer), tokens, width, cached });
        }
      },
    });
  });
}
