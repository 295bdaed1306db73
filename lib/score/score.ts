/** How likely each of some candidates follows a prompt. */
import { toNativeAdapters } from "../adapters/adapter-list.js";
import { types } from "node:util";
import { onAbort } from "../abort.js";
import type { EngineCore } from "../core.js";
import { abortedError, argumentError, type MedInferError } from "../errors.js";
import { NO_STATE, type NativeEvent, type NativeRequest, type StateId } from "../native/types.js";
import { prepareChat, prepareCompletion, type PreparedRequest } from "../requests/prepare.js";
import { ImageLoads, release, withImages } from "../requests/image-loads.js";
import { requireVision } from "../requests/start.js";
import { toNativeSampling } from "../sampling/schema.js";
import { unlessClosed } from "../unless-closed.js";
import { requireTask } from "../require-task.js";
import { parse } from "../validation/parse.js";
import { noCalls, plainOptions, scoreChatSchema, scorePromptSchema, type Candidate } from "./options.js";
import type { ScoredCandidate, ScoreOptions, ScoreResult } from "./types.js";

type ScoredEvent = Extract<NativeEvent, { type: "scored" }>;

/** Candidates and what they follow. */
export interface PreparedScore {
  request: PreparedRequest;
  candidates: readonly Candidate[];
  signal: AbortSignal | undefined;
}

/** See Engine.score. */
export function scoreCandidates(core: EngineCore, given: ScoreOptions): Promise<ScoreResult> {
  return runScore(core, () => prepareScore(core, "engine.score", given));
}

function prepareScore(core: EngineCore, call: string, given: ScoreOptions): PreparedScore {
  requireTask(core, "generate", call);
  const { messages, prompt } = (given ?? {}) as Partial<ScoreOptions>;
  if (messages !== undefined && prompt !== undefined) {
    throw argumentError(call, "prompt", "stands for messages: leave one of them out");
  }
  if (prompt !== undefined) {
    const { candidates, signal, priority, cacheSalt, adapters, ...said } = parse(scorePromptSchema, given, call);
    const request = prepareCompletion(core, call, {
      ...plainOptions,
      ...said,
      priority,
      cacheSalt,
      adapters,
      echo: false,
      n: 1,
    });
    return { request, candidates, signal };
  }
  const { candidates, signal, priority, cacheSalt, adapters, ...said } = parse(scoreChatSchema, given, call);
  const options = { ...plainOptions, ...noCalls, ...said, priority, cacheSalt, adapters, n: 1 };
  return { request: prepareChat(core, call, options), candidates, signal };
}

/** Runs `prepare`, loads the images and asks. What goes wrong rejects. */
export async function runScore(core: EngineCore, prepare: () => PreparedScore): Promise<ScoreResult> {
  const { request, candidates, signal } = prepare();
  try {
    signal?.throwIfAborted();
    if (request.pieces.some((piece) => "image" in piece)) requireVision(core);
    const loading = new ImageLoads(core, signal).of(request.pieces);
    // In this turn where all is at hand, so that requests queue in the order of their calls.
    const images = types.isPromise(loading) ? await loading : loading;
    signal?.throwIfAborted();
    const { pieces, addSpecial, options, base = NO_STATE } = request;
    const prompt = { prompt: withImages(pieces, images), addSpecial };
    const scoring = submit(core, nativeRequest(core, request.call, prompt, options, candidates, base), signal);
    release(images);
    const events = await scoring;
    signal?.throwIfAborted(); // it may have been scored all the same
    return resultOf(core, candidates, events);
  } catch (error) {
    throw signal?.aborted === true ? abortedError(request.call, signal.reason) : error;
  }
}

function nativeRequest(
  core: EngineCore,
  call: string,
  prompt: Pick<NativeRequest, "prompt" | "addSpecial">,
  { sampling, cacheSalt, adapters, priority }: PreparedRequest["options"],
  candidates: readonly Candidate[],
  base: StateId,
): NativeRequest {
  return {
    ...prompt,
    candidates: [...candidates],
    adapters: toNativeAdapters(core, call, adapters),
    n: candidates.length,
    base,
    cacheSalt,
    priority,
    streamed: false,
    // What shapes an answer has no effect.
    sampling: toNativeSampling(sampling),
    stopStrings: [],
    grammar: "",
    grammarOpening: "",
    closeAtLimit: false,
    reasoning: null,
    reasoningLimit: null,
    controlTexts: [],
    nPredict: -1,
    ignoreEos: false,
    maxDraftTokens: 0,
    expectedText: "",
    minTokens: 0,
    stopTokens: new Int32Array(),
    nProbs: 0,
    promptProbs: null,
    keep: false,
    sumLogprobs: false,
  };
}

/** The end of each candidate. One failure fails all. */
function submit(
  { native, dispatcher }: EngineCore,
  request: NativeRequest,
  signal: AbortSignal | undefined,
): Promise<ScoredEvent[]> {
  return new Promise((resolve, reject) => {
    const first = native.submit(request); // what it throws rejects
    const ids = Array.from({ length: request.n }, (_, i) => first + i);
    const events: ScoredEvent[] = [];
    let failure: MedInferError | undefined;
    let left = ids.length;
    const cancel = () => {
      try {
        unlessClosed(() => ids.forEach((id) => native.cancel(id)));
      } catch (error) {
        const reason = error as Error;
        reject(reason);
      }
    };
    const removeListener = onAbort(signal, cancel);
    const onEvent = (event: NativeEvent, i: number) => {
      if (event.type === "scored") events[i] = event;
      else if (event.type !== "failed") return;
      left--;
      if (event.type === "failed" && failure === undefined) {
        failure = event.error;
        if (left > 0) cancel();
      }
      if (left > 0) return;
      removeListener();
      if (failure === undefined) resolve(events);
      else reject(failure);
    };
    ids.forEach((id, i) => dispatcher.register(id, { onEvent: (event) => onEvent(event, i) }));
  });
}

function resultOf(
  { native }: EngineCore,
  candidates: readonly Candidate[],
  events: readonly ScoredEvent[],
): ScoreResult {
  const sums = events.map(({ logprobs }) => logprobs.reduce((sum, logprob) => sum + logprob, 0));
  const shares = sharesOf(sums);
  const { usage, timings } = events[0]!;
  const scored = candidates.map((candidate, i): ScoredCandidate => ({
    text: typeof candidate === "string" ? candidate : native.detokenize(candidate, true),
    tokenIds: [...events[i]!.tokens],
    logprob: sums[i]!,
    tokenLogprobs: [...events[i]!.logprobs],
    probability: shares[i]!,
  }));
  return { candidates: scored, usage: { ...usage }, timings: { ...timings } };
}

/** Probabilities that sum to 1, of their logarithms; of impossible ones alone, none. */
function sharesOf(logprobs: readonly number[]): number[] {
  const best = Math.max(...logprobs);
  if (best === -Infinity) return logprobs.map(() => 0);
  const weights = logprobs.map((logprob) => Math.exp(logprob - best));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
