import { randomUUID } from "node:crypto";
import type { Engine, Generation, GenerationResult } from "medinfer";
import { withFailure } from "../http/answer-stream.js";
import { EventStream } from "../http/event-stream.js";
import type { KeptStream } from "../http/kept-stream.js";
import { sendWhenDone } from "../http/long-answer.js";
import { route, type Call } from "../http/route.js";
import type { Serving } from "../serving.js";
import { chatOptions } from "./chat-options.js";
import { chatSchema, type ChatBody } from "./chat-schema.js";
import { ChatStream, type StreamHead } from "./chat-stream.js";
import { withOwnNames } from "./own-options.js";
import { readMessages } from "./read-messages.js";
import { choiceOf, endsOf, usageOf, type LogprobsShown } from "./wire.js";

/** POST /v1/chat/completions */
export function chatRoute(serving: Serving) {
  return route({
    method: "post",
    path: "/v1/chat/completions",
    summary: "Answers a conversation, whole or as a stream of chunks.",
    role: "user",
    body: chatSchema,
    prepareBody: (body) => withOwnNames(body, chatSchema.entries),
    streams: true,
    handle: (call) => answer(serving, call),
  });
}

async function answer(serving: Serving, call: Call<ChatBody>): Promise<void> {
  const { body, outgoing } = call;
  const messages = await readMessages(body.messages, serving.images);
  await serving.generate(call, body.model, async ({ engine, model, terms }) => {
    const head = { id: `chatcmpl-${randomUUID()}`, created: Math.floor(Date.now() / 1000), model: model.name };
    const kept = body.stream && body.resumable ? serving.streams.open(head.id, call.who.tenant) : undefined;
    const signal = kept === undefined ? terms.signal : kept.abandoned;
    const note = (text: string) => outgoing.setHeader("x-medinfer-note", text);
    const generation = engine.chat(chatOptions(body, messages, { ...terms, signal }, note));
    const shown = logprobsShown(body, engine);
    if (body.stream) return stream(generation, head, call, { kept, shown });
    const { result } = generation;
    await sendWhenDone(
      outgoing,
      result.then((whole) => wholeAnswer(whole, head, shown)),
    );
    return result;
  });
}

async function stream(
  generation: Generation,
  head: StreamHead,
  { body, outgoing }: Call<ChatBody>,
  { kept, shown }: { kept: KeptStream | undefined; shown: LogprobsShown | undefined },
): Promise<GenerationResult> {
  const reader = new EventStream(outgoing);
  kept?.attach(reader, 0, (gone) => outgoing.once("close", gone));
  const events = kept ?? reader;
  const chunks = new ChatStream(events, head, {
    includeUsage: body.stream_options?.include_usage === true,
    logprobs: shown,
    json: "jsonSchema" in body || (body.response_format ?? { type: "text" }).type !== "text",
  });
  return withFailure(events, async () => {
    await chunks.write(generation);
    return generation.result;
  });
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

function logprobsShown({ logprobs, top_logprobs: top }: ChatBody, { info }: Engine): LogprobsShown | undefined {
  return logprobs ? { top: top ?? 0, ends: endsOf(info) } : undefined;
}
