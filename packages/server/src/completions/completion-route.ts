import type { Engine, GenerationResult } from "medinfer";
import { logprobsShown, type LogprobsShown } from "../generate/logprobs-shown.js";
import { notesTo } from "../generate/notes.js";
import { openStream } from "../generate/open-stream.js";
import { completionNames } from "../generate/answer-names.js";
import { withOwnNames } from "../generate/own-options.js";
import { reasoningOf } from "../generate/reasoning.js";
import { newHead } from "../generate/stream-head.js";
import { finishReason, usageOf } from "../generate/usage.js";
import { writeAnswer } from "../generate/write-answer.js";
import { withFailure } from "../http/answer-stream.js";
import { sendWhenDone } from "../http/long-answer.js";
import { Problem } from "../http/problem.js";
import { route, type Call } from "../http/route.js";
import type { Serving } from "../serving.js";
import { completionAnswer, completionEvent } from "./completion-answer.js";
import { completionOptions, promptOptions, promptsOf, type Prompt } from "./completion-options.js";
import { completionSchema, type CompletionBody } from "./completion-schema.js";
import { CompletionStream } from "./completion-stream.js";
import { legacyLogprobs } from "./legacy-logprobs.js";
import { joined, runPrompts } from "./run-prompts.js";

/** POST /v1/completions */
export function completionRoute(serving: Serving) {
  return route({
    method: "post",
    path: "/v1/completions",
    summary: "Continues texts as they are, with no chat template, whole or as a stream of chunks.",
    role: "user",
    body: completionSchema,
    prepareBody: (body) => withOwnNames(body, completionSchema.entries),
    sentNames: completionNames,
    answer: completionAnswer,
    event: completionEvent,
    handle: (call) => answer(serving, call),
  });
}

async function answer(serving: Serving, call: Call<CompletionBody>): Promise<void> {
  const { body, outgoing } = call;
  const prompts = promptsOf(body.prompt);
  await serving.generate(call, body.model, async ({ engine, model, terms }) => {
    const { info } = engine;
    refuseWithoutInfill(body, engine);
    refuseUnknownIds(prompts, engine);
    const note = notesTo(outgoing);
    const options = completionOptions(body, terms, note);
    if (info.chatTemplate !== "") note("no chat template was applied: for a conversation ask /v1/chat/completions");
    const head = newHead("cmpl-", model.name);
    const shown = typeof body.logprobs === "number" ? logprobsShown(body.logprobs, info) : undefined;
    const choices = body.n ?? 1;
    const atOnce = Math.max(1, Math.floor(info.batchSize / (body.best_of ?? choices)));
    const complete = (prompt: Prompt, signal: AbortSignal) =>
      engine.complete({ ...options, ...promptOptions(prompt, body.suffix), signal });
    if (!body.stream) {
      const all = runPrompts(prompts, atOnce, terms.signal, (prompt, _, signal) => complete(prompt, signal).result);
      const wholeAnswer = all.then((results) => ({
        id: head.id,
        object: "text_completion",
        created: head.created,
        model: head.model,
        choices: results
          .flatMap((each) => each.choices ?? [each])
          .map((each, index) => choiceOf(each, index, shown, info.bosToken)),
        usage: usageOf(joined(results).usage),
      }));
      await sendWhenDone(outgoing, wholeAnswer);
      return joined(await all);
    }
    const { events, signal } = openStream(call, serving.streams, head.id);
    const includeUsage = body.stream_options?.include_usage === true;
    const chunks = new CompletionStream(events, head, { includeUsage, logprobs: shown, bosToken: info.bosToken });
    return withFailure(call, events, async () => {
      const results = await runPrompts(prompts, atOnce, signal, (prompt, i, ending) =>
        writeAnswer(complete(prompt, ending), chunks, { json: "jsonSchema" in body, firstIndex: i * choices }),
      );
      const result = joined(results);
      await chunks.end(result.usage);
      return result;
    });
  });
}

/** A choice of a whole answer. */
function choiceOf(result: GenerationResult, index: number, shown: LogprobsShown | undefined, bosToken: string) {
  return {
    index,
    text: result.text,
    ...reasoningOf(result.reasoning),
    logprobs: shown === undefined ? null : legacyLogprobs(result, shown, bosToken),
    finish_reason: finishReason(result.finishReason),
  };
}

function refuseWithoutInfill({ suffix }: CompletionBody, { info }: Engine): void {
  if (typeof suffix !== "string" || info.infill !== null) return;
  const what = "suffix needs a model that was trained to fill in, and this one's vocabulary has no tokens for it";
  throw new Problem(400, "invalid_value", `${what}: leave it out, or name another model`, { param: "suffix" });
}

function refuseUnknownIds(prompts: readonly Prompt[], { info }: Engine): void {
  const unknown = (prompt: Prompt) => typeof prompt !== "string" && prompt.some((id) => id >= info.nVocab);
  if (!prompts.some(unknown)) return;
  const what = `prompt holds ids that the model's vocabulary, of ${info.nVocab} tokens, does not have`;
  throw new Problem(400, "invalid_value", `${what}: they may be another model's`, { param: "prompt" });
}
