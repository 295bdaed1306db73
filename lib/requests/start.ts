/** From a prompt to a request in the engine's queue. */
import { types } from "node:util";
import { toNativeAdapters } from "../adapters/adapter-list.js";
import { runTask } from "../native/task.js";
import { NO_STATE, type StateId } from "../native/types.js";
import type { EngineCore } from "../core.js";
import { argumentError, MedInferError } from "../errors.js";
import { AnswerStream } from "../generation/answer-stream.js";
import { completionCount } from "../generation/completions.js";
import { RequestGeneration } from "../generation/generation.js";
import { RequestState } from "../generation/request-state.js";
import type { Generation, GenerationResult } from "../generation/types.js";
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
import { bytesOf, ImageLoads, release, withImages, type LoadedImages } from "./image-loads.js";
import { imageError, imagePlaces, onlyPlace, type ImagePlaces } from "./image-places.js";
import { prepareChat, prepareCompletion, type PreparedRequest } from "./prepare.js";
import type { RenderedPrompt } from "./rendered-prompt.js";
import { divideStops } from "./stops.js";

/** See Engine.chat. */
export function startChat(core: EngineCore, given: ChatOptions): Generation {
  const call = "engine.chat";
  return start(core, (begin) => {
    requireTask(core, "generate", call);
    const options = parse(chatOptionsSchema, given, call);
    const places = imagePlaces(options);
    begin(places);
    return { ...prepareChat(core, call, options), imagePlaces: places };
  });
}

/** See Engine.complete. */
export function startCompletion(core: EngineCore, given: CompleteOptions): Generation {
  const call = "engine.complete";
  return start(core, (begin) => {
    requireTask(core, "generate", call);
    const options = parse(completeOptionsSchema, given, call);
    const places = imagePlaces({ images: options.images });
    begin(places);
    return { ...prepareCompletion(core, call, options), imagePlaces: places };
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

/**
 * Runs `prepare`, loads the images and submits. Whatever goes wrong comes out of the generation.
 *
 * @param prepare may call `begin` with the images that it will need, so that they are read while it writes the prompt
 */
export function start(
  core: EngineCore,
  prepare: (begin: (places: ImagePlaces) => void) => PreparedRequest,
  watcher?: RequestWatcher,
): Generation {
  const state = new RequestState((result, kept) => watcher?.onSettled(result, kept));
  const controller = new AbortController();
  try {
    const images = new ImageLoads(core, controller.signal);
    const request = prepare((places) => core.info.vision && images.begin(places));
    if (request.options.jsonSchema !== undefined) state.expectJson();
    state.expect(request.choices);
    state.nameCall(request.call);
    state.nameErrors((error) => imageError(error, onlyPlace(request.imagePlaces)));
    state.endOnAbort(request.options.signal);
    state.endAfter(request.options.timeLimitMs);
    if (state.over) {
      controller.abort();
    } else {
      if (request.pieces.some((piece) => "image" in piece)) requireVision(core);
      loadAndSubmit(core, state, request, images.of(request.pieces), controller, watcher);
    }
  } catch (error) {
    controller.abort();
    state.fail(error);
  }
  return new RequestGeneration(state);
}

/** Submits in this turn where all is at hand, so that requests queue in the order of their calls. */
function loadAndSubmit(
  core: EngineCore,
  state: RequestState,
  request: PreparedRequest,
  loading: LoadedImages | Promise<LoadedImages>,
  controller: AbortController,
  watcher: RequestWatcher | undefined,
): void {
  const send = (fitting: PreparedRequest, images: LoadedImages) => {
    try {
      watcher?.onImages(bytesOf(request.pieces, images));
      submit(core, state, fitting, images);
    } finally {
      release(images);
    }
  };
  if (!types.isPromise(loading) && request.shortening === undefined) {
    send(request, loading);
    return;
  }
  state.beforeSubmit(() => controller.abort());
  const run = async () => {
    const images = await loading;
    if (state.over) return;
    const fitting = await fit(core, request, images, controller.signal);
    if (!state.over) send(fitting, images);
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
    const parts = withImages(pieces, images);
    return (await runTask(core, "counted", (native) => native.countTokens(parts, addSpecial))).tokens;
  };
  const { prompt, droppedTurns } = await fitContext(shortening, limits, count);
  return { ...request, ...prompt, droppedTurns };
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
    prompt: withImages(pieces, images),
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
