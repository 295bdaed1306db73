/** From a prompt to a request in the engine's queue. */
import type { NativePromptPart } from "../binding.js";
import type { EngineCore } from "../core.js";
import { MedInferError, toMedInferError } from "../errors.js";
import { AnswerStream } from "../generation/answer-stream.js";
import { completionCount } from "../generation/completions.js";
import { RequestGeneration } from "../generation/generation.js";
import { RequestState } from "../generation/request-state.js";
import type { Generation, GenerationResult } from "../generation/types.js";
import type { ImageLoadOptions } from "../images/limits.js";
import { loadImage, type ImageSource } from "../images/load.js";
import type { ChatOptions, CompleteOptions } from "../options/request-options.js";
import { toNativeSampling } from "../sampling/schema.js";
import { prepareChat, prepareCompletion, type PreparedRequest } from "./prepare.js";
import { divideStops } from "./stops.js";

/** See Engine.chat. */
export function startChat(core: EngineCore, options: ChatOptions): Generation {
  return start(core, () => prepareChat(core, options));
}

/** See Engine.complete. */
export function startCompletion(core: EngineCore, options: CompleteOptions): Generation {
  return start(core, () => prepareCompletion(options));
}

/** @throws MedInferError `NO_VISION` where the model reads no images */
export function requireVision(core: EngineCore): void {
  if (core.info.vision) return;
  throw new MedInferError(
    "NO_VISION",
    "the model was loaded without a projector, so it can not read images: load it with mmproj",
  );
}

/** What a session wants to know of its request. Neither may throw. */
export interface RequestWatcher {
  /** The bytes of the prompt's images, in order. */
  onImages(images: readonly Uint8Array[]): void;
  /** The request is over; without a result it failed. `state`: what the engine has kept of it; 0: nothing. */
  onSettled(result: GenerationResult | undefined, state: number): void;
}

/** Runs `prepare`, loads the images and submits. Whatever goes wrong comes out of the generation. */
export function start(core: EngineCore, prepare: () => PreparedRequest, watcher?: RequestWatcher): Generation {
  const state = new RequestState((result, kept) => watcher?.onSettled(result, kept));
  try {
    const request = prepare();
    if (request.options.jsonSchema !== undefined) state.expectJson();
    state.expect(request.choices);
    state.follow(request.options.signal);
    if (!state.over) loadAndSubmit(core, state, request, watcher);
  } catch (error) {
    state.fail(error);
  }
  return new RequestGeneration(state);
}

type LoadedPart = Uint8Array | { text: string; parseSpecial: boolean };

/** Submits in this turn where the images' bytes are at hand, so that requests queue in the order of their calls. */
function loadAndSubmit(
  core: EngineCore,
  state: RequestState,
  request: PreparedRequest,
  watcher: RequestWatcher | undefined,
): void {
  if (request.pieces.some((piece) => "image" in piece)) requireVision(core);
  const controller = new AbortController();
  const limits = { maxBytes: core.maxImageBytes, signal: controller.signal };
  const send = (loaded: readonly LoadedPart[]) => {
    watcher?.onImages(loaded.filter((part) => part instanceof Uint8Array));
    submit(core, state, request, loaded);
  };
  const parts = request.pieces.map((piece) => ("image" in piece ? loadImageSafely(piece.image, limits) : piece));
  if (!parts.some((part) => part instanceof Promise)) {
    send(parts as LoadedPart[]);
    return;
  }
  state.beforeSubmit(() => controller.abort());
  Promise.all(parts.map((part) => Promise.resolve(part)))
    .then((loaded) => {
      if (!state.over) send(loaded);
    })
    .catch((error: unknown) => {
      controller.abort();
      state.fail(error);
    });
}

/** loadImage, whose error comes as a rejection: it must not leave the loads of other images without a listener. */
function loadImageSafely(image: ImageSource, limits: ImageLoadOptions) {
  try {
    return loadImage(image, limits);
  } catch (error) {
    return Promise.reject(toMedInferError(error));
  }
}

function submit(
  { native, dispatcher }: EngineCore,
  state: RequestState,
  { addSpecial, stopStrings, grammar, options, choices, base }: PreparedRequest,
  parts: readonly LoadedPart[],
): void {
  const count = completionCount(choices);
  // A scanner each: it has a state.
  const divided = Array.from({ length: count }, () =>
    divideStops([...options.stopStrings, ...stopStrings], options.stopRegexes),
  );
  const { scanner, nativeStops } = divided[0]!;
  const id = native.submit({
    prompt: parts.map((part): NativePromptPart => (part instanceof Uint8Array ? { image: part } : part)),
    addSpecial,
    sampling: toNativeSampling(options.sampling),
    stopStrings: nativeStops,
    grammar,
    nPredict: options.nPredict,
    ignoreEos: options.ignoreEos,
    nProbs: options.nProbs,
    n: count,
    base: base ?? 0,
    keep: base !== undefined,
    sumLogprobs: choices.bestOf !== undefined,
    cacheSalt: options.cacheSalt,
    priority: options.priority,
    // What looks for stops reads along.
    followed: state.reading || scanner !== undefined,
  });
  const ids = Array.from({ length: count }, (_, i) => id + i);
  ids.forEach((each, i) => dispatcher.register(each, { onEvent: (event) => state.onEvent(event, i) }));
  const all = (call: (each: number) => void) => unlessClosed(() => ids.forEach(call));
  const control = {
    cancel: () => all((each) => native.cancel(each)),
    finish: (index: number) => unlessClosed(() => native.finish(id + index)),
    follow: () => all((each) => native.follow(each)),
    pause: () => all((each) => native.pause(each)),
    resume: () => all((each) => native.resume(each)),
  };
  const answers = divided.map((stops) => new AnswerStream(stops.scanner, options.thinkingTags || undefined));
  state.submitted(control, answers);
}

/** A closed engine has ended the request already: its last event is on the way. */
export function unlessClosed(call: () => void): void {
  try {
    call();
  } catch {
    // Nothing to do: see above.
  }
}
