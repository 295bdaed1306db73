import type { CompleteOptions, Engine, GenerationResult } from "medinfer";
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
import type { Served, Serving } from "../serving.js";
import { completionAnswer, completionEvent } from "./completion-answer.js";
import { completionOptions, promptOptions, promptsOf, type Prompt } from "./completion-options.js";
import { completionSchema, type CompletionBody } from "./completion-schema.js";
import { CompletionStream } from "./completion-stream.js";
import { legacyLogprobs } from "./legacy-logprobs.js";
import { refusePrompts } from "./refuse-prompts.js";
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
  const head = newHead("cmpl-", serving.models.find(body.model).name);
  const note = notesTo(outgoing);
  // What is wrong with them is told before anything is waited for.
  const options = completionOptions(body, serving.terms(call), note);
  const ask = ({ engine }: Served) => asked(body, prompts, options, engine, note);
  if (!body.stream) {
    const whole = async () => {
      let choices: object[] = [];
      const { usage } = await serving.generate(call, body.model, async (served) => {
        const { atOnce, complete, shown, bosToken } = ask(served);
        const results = await runPrompts(
          prompts,
          atOnce,
          call.signal,
          (prompt, _, end) => complete(prompt, end).result,
        );
        choices = results
          .flatMap((each) => each.choices ?? [each])
          .map((each, index) => choiceOf(each, index, shown, bosToken));
        return joined(results);
      });
      const { id, created, model } = head;
      return { id, object: "text_completion", created, model, choices, usage: usageOf(usage) };
    };
    return sendWhenDone(outgoing, whole());
  }
  const { events, signal } = openStream(call, serving.streams, head.id);
  await withFailure(call, events, () =>
    serving.generate(call, body.model, async (served) => {
      const { atOnce, complete, shown, bosToken } = ask(served);
      const includeUsage = body.stream_options?.include_usage === true;
      const chunks = new CompletionStream(events, head, { includeUsage, logprobs: shown, bosToken });
      const form = (i: number) => ({ json: "jsonSchema" in body, firstIndex: i * (body.n ?? 1) });
      const results = await runPrompts(prompts, atOnce, signal, (prompt, i, end) =>
        writeAnswer(complete(prompt, end), chunks, form(i)),
      );
      const result = joined(results);
      await chunks.end(result.usage);
      return result;
    }),
  );
}

/**
 * What a request asks of a model.
 *
 * @throws Problem 400
 */
function asked(
  body: CompletionBody,
  prompts: readonly Prompt[],
  options: CompleteOptions,
  engine: Engine,
  note: (text: string) => void,
) {
  const { info } = engine;
  refuseWithoutInfill(body, engine);
  refusePrompts(prompts, typeof body.suffix === "string", engine);
  if (info.chatTemplate !== "") note("no chat template was applied: for a conversation ask /v1/chat/completions");
  return {
    /** Most prompts at a time. */
    atOnce: Math.max(1, Math.floor(info.batchSize / (body.best_of ?? body.n ?? 1))),
    shown: typeof body.logprobs === "number" ? logprobsShown(body.logprobs, info) : undefined,
    bosToken: info.bosToken,
    complete: (prompt: Prompt, signal: AbortSignal) =>
      engine.complete({ ...options, ...promptOptions(prompt, body.suffix), signal }),
  };
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
