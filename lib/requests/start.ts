/** From a prompt to a request in the engine's queue. */
import { types } from "node:util";
import { toNativeAdapters } from "../adapters/adapter-list.js";
import { runTask } from "../native/task.js";
import { NO_STATE, type NativePromptPart, type StateId } from "../native/types.js";
import type { PromptPiece } from "../chat/markers.js";
import type { EngineCore } from "../core.js";
import { argumentError, MedInferError } from "../errors.js";
import { AnswerStream } from "../generation/answer-stream.js";
import { completionCount } from "../generation/completions.js";
import { RequestGeneration } from "../generation/generation.js";
import { RequestState } from "../generation/request-state.js";
import type { Generation, GenerationResult } from "../generation/types.js";
import type { ImageLoadOptions } from "../images/limits.js";
import { loadImage, type ImageSource } from "../images/load.js";
import {
  chatOptionsSchema,
  completeOptionsSchema,
  type ChatOptions,
  type CompleteOptions,
} from "../options/request-options.js";
import { toNativeSampling } from "../sampling/schema.js";
import { unlessClosed } from "../unless-closed.js";
import { requireTask } from "../require-task.js";
import { parse } from "../validation/parse.js";
import type { AnswerPlan } from "./answer-plan.js";
import { namedControlTokens } from "./control-names.js";
import { fitContext } from "./fit-context.js";
import { imageError, imagePlaces, loadError, onlyPlace, type ImagePlaces } from "./image-places.js";
import { prepareChat, prepareCompletion, type PreparedRequest } from "./prepare.js";
import type { RenderedPrompt } from "./rendered-prompt.js";
import { divideStops } from "./stops.js";

/** See Engine.chat. */
export function startChat(core: EngineCore, given: ChatOptions): Generation {
  const call = "engine.chat";
  return start(core, () => {
    requireTask(core, "generate", call);
    const options = parse(chatOptionsSchema, given, call);
    return { ...prepareChat(core, call, options), imagePlaces: imagePlaces(options) };
  });
}

/** See Engine.complete. */
export function startCompletion(core: EngineCore, given: CompleteOptions): Generation {
  const call = "engine.complete";
  return start(core, () => {
    requireTask(core, "generate", call);
    const options = parse(completeOptionsSchema, given, call);
    return { ...prepareCompletion(core, call, options), imagePlaces: imagePlaces({ images: options.images }) };
  });
}

/** @throws MedInferError `NO_VISION` where the model reads no images */
export function requireVision(core: EngineCore): void {
  if (core.info.vision) return;
  const why = core.info.projectorWarning || "load it with mmproj";
  throw new MedInferError("NO_VISION", `the model was loaded without a projector, so it cannot read images: ${why}`);
}

/** What a session has to know of its request. */
export interface RequestWatcher {
  /** The bytes of the prompt's images, in order. Must not throw. */
  onImages(images: readonly Uint8Array[]): void;
  /**
   * The request is over; without a result it failed. `state`: what the engine has kept of it. Where it throws, the request
   * fails with that.
   */
  onSettled(result: GenerationResult | undefined, state: StateId): void;
}

/** Runs `prepare`, loads the images and submits. Whatever goes wrong comes out of the generation. */
export function start(core: EngineCore, prepare: () => PreparedRequest, watcher?: RequestWatcher): Generation {
  const state = new RequestState((result, kept) => watcher?.onSettled(result, kept));
  try {
    const request = prepare();
    if (request.options.jsonSchema !== undefined) state.expectJson();
    state.expect(request.choices);
    state.nameCall(request.call);
    state.nameErrors((error) => imageError(error, onlyPlace(request.imagePlaces)));
    state.endOnAbort(request.options.signal);
    state.endAfter(request.options.timeLimitMs);
    if (!state.over) loadAndSubmit(core, state, request, watcher);
  } catch (error) {
    state.fail(error);
  }
  return new RequestGeneration(state);
}

/** The bytes of images by where they come from. */
export type LoadedImages = ReadonlyMap<ImageSource, Uint8Array>;

/** Submits in this turn where all is at hand, so that requests queue in the order of their calls. */
function loadAndSubmit(
  core: EngineCore,
  state: RequestState,
  request: PreparedRequest,
  watcher: RequestWatcher | undefined,
): void {
  if (request.pieces.some((piece) => "image" in piece)) requireVision(core);
  const controller = new AbortController();
  const limits = { maxBytes: core.maxImageBytes, signal: controller.signal };
  const loading = loadImages(request.pieces, limits, request.imagePlaces);
  const reportImages = (images: LoadedImages) =>
    watcher?.onImages(request.pieces.flatMap((piece) => ("image" in piece ? [images.get(piece.image)!] : [])));
  if (!types.isPromise(loading) && request.shortening === undefined) {
    reportImages(loading);
    submit(core, state, request, loading);
    return;
  }
  state.beforeSubmit(() => controller.abort());
  const run = async () => {
    const images = await loading;
    if (state.over) return;
    reportImages(images);
    const fitting = await fit(core, request, images, controller.signal);
    if (!state.over) submit(core, state, fitting, images);
  };
  run().catch((error: unknown) => {
    controller.abort();
    state.fail(error);
  });
}

/** The request without those of its old turns that have no room. Rejects where the signal is aborted. */
async function fit(
  core: EngineCore,
  request: PreparedRequest,
  images: LoadedImages,
  signal: AbortSignal,
): Promise<PreparedRequest> {
  const { shortening, options } = request;
  if (shortening === undefined) return request;
  const limits = { context: core.info.nCtxPerRequest, nPredict: options.nPredict };
  const count = async ({ pieces, addSpecial }: RenderedPrompt) => {
    signal.throwIfAborted();
    const parts = withBytes(pieces, images);
    return (await runTask(core, "counted", (native) => native.countTokens(parts, addSpecial))).tokens;
  };
  const { prompt, droppedTurns } = await fitContext(shortening, limits, count);
  return { ...request, ...prompt, droppedTurns };
}

/**
 * Synchronous where all bytes are at hand.
 *
 * @param places which errors name, where they are known
 */
export function loadImages(
  pieces: readonly PromptPiece[],
  limits: ImageLoadOptions,
  places?: ImagePlaces,
): LoadedImages | Promise<LoadedImages> {
  const sources = new Set(pieces.flatMap((piece) => ("image" in piece ? [piece.image] : [])));
  const loads = [...sources].map((source) => [source, loadImageSafely(source, limits, places?.get(source))] as const);
  const isHere = (load: (typeof loads)[number]): load is readonly [ImageSource, Uint8Array] =>
    !types.isPromise(load[1]);
  if (loads.every(isHere)) return new Map(loads);
  return Promise.all(loads.map(async ([source, load]) => [source, await load] as const)).then((all) => new Map(all));
}

/** The pieces as the addon takes them. */
export function withBytes(pieces: readonly PromptPiece[], images: LoadedImages): NativePromptPart[] {
  return pieces.map((piece) => {
    if (!("image" in piece)) return piece;
    const { image, minTokens = 0, maxTokens = 0 } = piece;
    return { image: images.get(image)!, minTokens, maxTokens };
  });
}

/** loadImage, whose error comes as a rejection: it must not leave the loads of other images without a listener. */
function loadImageSafely(image: ImageSource, limits: ImageLoadOptions, place: string | undefined) {
  const fail = (error: unknown) => {
    const reason = loadError(error, place) as Error;
    return Promise.reject(reason);
  };
  try {
    const loading = loadImage(image, limits);
    return types.isPromise(loading) ? loading.catch(fail) : loading;
  } catch (error) {
    return fail(error);
  }
}

/** Null: none. What is echoed with logprobs has its own. */
function promptProbsOf({ promptLogprobs, nProbs }: PreparedRequest["options"], echo: boolean): number | null {
  if (promptLogprobs === false) return echo && nProbs > 0 ? nProbs : null;
  return promptLogprobs === true ? 0 : promptLogprobs;
}

/** @throws MedInferError `INVALID_ARGUMENT` where nobody knows what reasoning is */
function reasoningLimit({ limitedTags }: AnswerPlan, tokens: number | undefined, call: string) {
  if (tokens === undefined) return null;
  if (limitedTags !== undefined) return { tags: { ...limitedTags, blanks: true }, tokens };
  const why = "needs to know what stands around reasoning, and the chat template does not say: give thinkingTags";
  throw argumentError(call, "thinkingBudget", why);
}

/** @throws MedInferError `INVALID_ARGUMENT` where the least is more than the most */
function checkLengths({ minTokens, nPredict }: PreparedRequest["options"], call: string): void {
  if (nPredict === -1 || minTokens <= nPredict) return;
  throw argumentError(call, "minTokens", `must be at most nPredict (${nPredict}) (got ${minTokens})`);
}

/** @throws MedInferError `INVALID_ARGUMENT` where there is no form that could be completed */
function checkClosing({ closeAtLimit, grammar, jsonSchema }: PreparedRequest["options"], call: string): void {
  if (!closeAtLimit || grammar !== undefined || jsonSchema !== undefined) return;
  throw argumentError(call, "closeAtLimit", "needs jsonSchema or grammar: only a form can be brought to its end");
}

function submit(core: EngineCore, state: RequestState, request: PreparedRequest, images: LoadedImages): void {
  const { native, dispatcher, control: controlTokens } = core;
  const { call, pieces, addSpecial, stopStrings, plan, options, choices, base, droppedTurns, echo } = request;
  checkLengths(options, call);
  checkClosing(options, call);
  const count = completionCount(choices);
  const allStops = [...options.stopStrings, ...stopStrings];
  const { newScanner, nativeStops } = divideStops(allStops, options.stopRegexes);
  const { grammar, grammarOpening, closes, grammarBehind, newReader, thinkingTags, form, begun, markup } = plan;
  const id = native.submit({
    prompt: withBytes(pieces, images),
    addSpecial,
    sampling: toNativeSampling(options.sampling),
    stopStrings: nativeStops,
    grammar,
    grammarOpening,
    closeAtLimit: closes,
    reasoning: grammarBehind === undefined ? null : { ...grammarBehind, blanks: form !== "grammar" },
    reasoningLimit: reasoningLimit(plan, options.thinkingBudget, call),
    controlTexts: namedControlTokens(controlTokens.texts, {
      stopStrings: allStops,
      stopRegexes: options.stopRegexes,
      thinkingTags: thinkingTags ?? plan.limitedTags,
      markup,
    }),
    nPredict: options.nPredict,
    ignoreEos: options.ignoreEos,
    minTokens: options.minTokens,
    stopTokens: options.stopTokenIds,
    nProbs: options.nProbs,
    promptProbs: promptProbsOf(options, echo !== undefined),
    candidates: [],
    adapters: toNativeAdapters(core, call, options.adapters),
    maxDraftTokens: options.maxDraftTokens,
    expectedText: options.expectedText,
    n: count,
    base: base ?? NO_STATE,
    keep: base !== undefined,
    sumLogprobs: choices.bestOf !== undefined,
    cacheSalt: options.cacheSalt,
    priority: options.priority,
    // A scanner has to see the text as it is generated.
    streamed: state.reading || newScanner !== undefined,
  });
  const ids = Array.from({ length: count }, (_, i) => id + i);
  ids.forEach((each, i) => dispatcher.register(each, { onEvent: (event) => state.onEvent(event, i) }));
  const all = (call: (each: number) => void) => unlessClosed(() => ids.forEach(call));
  const control = {
    cancel: () => all((each) => native.cancel(each)),
    finish: (index: number) => unlessClosed(() => native.finish(id + index)),
    stream: () => all((each) => native.stream(each)),
    pause: () => all((each) => native.pause(each)),
    resume: () => all((each) => native.resume(each)),
  };
  const answers = ids.map(() => new AnswerStream(newScanner?.(), { reader: newReader?.(), tags: thinkingTags, form }));
  state.submitted(control, answers, { droppedTurns, echo, begun });
}
