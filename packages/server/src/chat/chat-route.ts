import type { Engine, GenerationResult } from "medinfer";
import { begunText } from "../generate/begun-text.js";
import { logprobsShown, type LogprobsShown } from "../generate/logprobs-shown.js";
import { notesTo } from "../generate/notes.js";
import { openStream } from "../generate/open-stream.js";
import { chatNames } from "../generate/answer-names.js";
import { withOwnNames } from "../generate/own-options.js";
import { newHead, type StreamHead } from "../generate/stream-head.js";
import { usageOf, withAllChoices } from "../generate/usage.js";
import { writeAnswer } from "../generate/write-answer.js";
import { withFailure } from "../http/answer-stream.js";
import { sendWhenDone } from "../http/long-answer.js";
import { route, type Call } from "../http/route.js";
import type { Serving } from "../serving.js";
import { chatAnswer, chatEvent } from "./chat-answer.js";
import { chatOptions } from "./chat-options.js";
import { chatSchema, type ChatBody } from "./chat-schema.js";
import { ChatStream } from "./chat-stream.js";
import { readMessages } from "./read-messages.js";
import { choiceOf } from "./wire.js";

/** POST /v1/chat/completions */
export function chatRoute(serving: Serving) {
  return route({
    method: "post",
    path: "/v1/chat/completions",
    summary: "Answers a conversation, whole or as a stream of chunks.",
    role: "user",
    body: chatSchema,
    prepareBody: (body) => withOwnNames(body, chatSchema.entries),
    sentNames: chatNames,
    answer: chatAnswer,
    event: chatEvent,
    handle: (call) => answer(serving, call),
  });
}

async function answer(serving: Serving, call: Call<ChatBody>): Promise<void> {
  const { body, outgoing } = call;
  const messages = await readMessages(body.messages, serving.images);
  const head = newHead("chatcmpl-", serving.models.find(body.model).name);
  const shownOf = ({ info }: Engine) => (body.logprobs ? logprobsShown(body.top_logprobs ?? 0, info) : undefined);
  // What is wrong with them is told before anything is waited for.
  const options = chatOptions(body, messages, serving.terms(call), notesTo(outgoing));
  if (!body.stream) {
    const whole = async () => {
      let shown: LogprobsShown | undefined;
      const result = await serving.generate(call, body.model, async ({ engine }) => {
        shown = shownOf(engine);
        return withAllChoices(await engine.chat(options).result);
      });
      return wholeAnswer(result, head, shown);
    };
    return sendWhenDone(outgoing, whole());
  }
  const { events, signal } = openStream(call, serving.streams, head.id);
  await withFailure(call, events, () =>
    serving.generate(call, body.model, async ({ engine }) => {
      const includeUsage = body.stream_options?.include_usage === true;
      const chunks = new ChatStream(events, head, { includeUsage, logprobs: shownOf(engine) });
      const answer = engine.chat({ ...options, signal });
      const form = { json: isJson(body), begun: begunText(options) };
      const result = withAllChoices(await writeAnswer(answer, chunks, form));
      await chunks.end(result.usage);
      return result;
    }),
  );
}

function isJson(body: ChatBody): boolean {
  return "jsonSchema" in body || (body.response_format ?? { type: "text" }).type !== "text";
}

function wholeAnswer(
  result: GenerationResult,
  { id, created, model }: StreamHead,
  shown: LogprobsShown | undefined,
): object {
  const choices = (result.choices ?? [result]).map((each, index) => choiceOf(each, index, shown));
  return {
    id,
    object: "chat.completion",
    created,
    model,
    choices,
    usage: usageOf(result.usage),
    service_tier: "default",
  };
}
