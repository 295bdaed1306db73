import * as v from "valibot";
import { onAbort } from "./abort.js";
import type { NativeEvent } from "./binding.js";
import { imageSchema } from "./chat/schema.js";
import type { EngineCore } from "./core.js";
import { abortedError, toMedInferError } from "./errors.js";
import { loadImage, type ImageSource } from "./images/load.js";
import type { ImageEmbedding } from "./model-info.js";
import { requireVision, unlessClosed } from "./requests/start.js";
import { object, signal } from "./validation/fields.js";
import { parse } from "./validation/parse.js";

/** Options of {@link Engine.embedImage}. */
export interface EmbedImageOptions {
  /** Aborting it ends the encoding with `ABORTED`. */
  signal?: AbortSignal;
}

const optionsSchema = object({ signal: v.optional(signal()) });

/** See Engine.embedImage. */
export async function embedImage(
  core: EngineCore,
  image: ImageSource,
  given: EmbedImageOptions,
): Promise<ImageEmbedding> {
  const source = parse(imageSchema, image, "engine.embedImage: image");
  const { signal } = parse(optionsSchema, given, "engine.embedImage: options");
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
    const cancel = () => unlessClosed(() => native.cancel(id));
    const unfollow = onAbort(signal, cancel);
    dispatcher.register(id, {
      onEvent(event: NativeEvent) {
        if (event.type !== "embedded" && event.type !== "failed") return;
        unfollow();
        if (event.type === "failed") {
          reject(toMedInferError(event.error));
        } else {
          const { values, tokens, width, cached } = event;
          resolve({ values, tokens, width, cached });
        }
      },
    });
  });
}
