import { types } from "node:util";
import type { PromptPiece } from "../chat/markers.js";
import type { EngineCore } from "../core.js";
import type { ImageLoadOptions, LoadedImage } from "../images/limits.js";
import { loadImage, type ImageSource } from "../images/load.js";
import type { NativePromptPart } from "../native/types.js";
import { loadError, type ImagePlaces } from "./image-places.js";

/** Images by where they come from. */
export type LoadedImages = ReadonlyMap<ImageSource, LoadedImage>;

/** The images of one request, each read once, however often it stands there. */
export class ImageLoads {
  readonly #core: EngineCore;
  readonly #signal: AbortSignal | undefined;
  readonly #loads = new Map<ImageSource, LoadedImage | Promise<LoadedImage>>();

  /** @param signal aborting it gives up on them */
  constructor(core: EngineCore, signal: AbortSignal | undefined) {
    this.#core = core;
    this.#signal = signal;
  }

  /** Begins to read, so that a prompt can be written meanwhile. What goes wrong comes out of {@link ImageLoads.of}. */
  begin(places: ImagePlaces): void {
    for (const [source, place] of places) void this.#load(source, place);
  }

  /** Those of a prompt. Synchronous where all bytes are at hand. */
  of(pieces: readonly PromptPiece[]): LoadedImages | Promise<LoadedImages> {
    const sources = new Set(pieces.flatMap((piece) => ("image" in piece ? [piece.image] : [])));
    const loads = [...sources].map((source) => [source, this.#load(source)] as const);
    const isHere = (load: (typeof loads)[number]): load is readonly [ImageSource, LoadedImage] =>
      !types.isPromise(load[1]);
    if (loads.every(isHere)) return new Map(loads);
    return Promise.all(loads.map(async ([source, load]) => [source, await load] as const)).then((all) => new Map(all));
  }

  /** @param place which errors name, where it is known */
  #load(source: ImageSource, place?: string): LoadedImage | Promise<LoadedImage> {
    const known = this.#loads.get(source);
    if (known !== undefined) return known;
    const loading = this.#loadSafely(source, place);
    // It may fail before somebody waits for it, or where nobody will.
    if (types.isPromise(loading)) loading.catch(() => undefined);
    this.#loads.set(source, loading);
    return loading;
  }

  /** loadImage, whose error comes as a rejection: it must not leave the loads of other images without a listener. */
  #loadSafely(image: ImageSource, place: string | undefined): LoadedImage | Promise<LoadedImage> {
    const fail = (error: unknown) => {
      const reason = loadError(error, place) as Error;
      return Promise.reject(reason);
    };
    try {
      const loading = loadImage(image, imageLoadOptions(this.#core, this.#signal));
      return types.isPromise(loading) ? loading.catch(fail) : loading;
    } catch (error) {
      return fail(error);
    }
  }
}

/** How an engine's images are loaded. */
export function imageLoadOptions(
  { native, maxImageBytes }: EngineCore,
  signal: AbortSignal | undefined,
): ImageLoadOptions {
  return { maxBytes: maxImageBytes, signal, readFile: (path) => native.readImage(path, maxImageBytes) };
}

/** Frees images that are not needed any more; requests that the engine has taken keep them. */
export function release(images: LoadedImages): void {
  for (const image of images.values()) if (!types.isUint8Array(image)) image.release();
}

/** Their bytes, in the order of the prompt. */
export function bytesOf(pieces: readonly PromptPiece[], images: LoadedImages): Uint8Array[] {
  const ofOne = (image: LoadedImage) => (types.isUint8Array(image) ? image : image.bytes());
  return pieces.flatMap((piece) => ("image" in piece ? [ofOne(images.get(piece.image)!)] : []));
}

/** The pieces as the addon takes them. */
export function withImages(pieces: readonly PromptPiece[], images: LoadedImages): NativePromptPart[] {
  return pieces.map((piece) => {
    if (!("image" in piece)) return piece;
    const { image, minTokens = 0, maxTokens = 0 } = piece;
    return { image: images.get(image)!, minTokens, maxTokens };
  });
}
