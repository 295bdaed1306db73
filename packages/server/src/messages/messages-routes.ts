import { MedInferError } from "medinfer";
import * as v from "valibot";
import { begunText } from "../generate/begun-text.js";
import { BlockWriter } from "../generate/block-writer.js";
import { openStream } from "../generate/open-stream.js";
import { messagesNames } from "../generate/answer-names.js";
import { withOwnNames } from "../generate/own-options.js";
import { newHead } from "../generate/stream-head.js";
import { writeAnswer } from "../generate/write-answer.js";
import { withFailure } from "../http/answer-stream.js";
import { problemOf } from "../http/engine-problem.js";
import { sendWhenDone } from "../http/long-answer.js";
import { route, type Call } from "../http/route.js";
import type { Serving } from "../serving.js";
import { messageAnswer, messageError, messageEvent } from "./message-answer.js";
import { contentOf, endOf, messageObject, usageOf, usageOfWhole } from "./message-object.js";
import { MessageStream } from "./message-stream.js";
import { countOptions, messagesOptions } from "./messages-options.js";
import { countSchema, messagesSchema, type MessagesBody, type PromptBody } from "./messages-schema.js";
import { problemBody } from "./problem-body.js";
import { readMessages } from "./read-messages.js";

/** POST /v1/messages and /v1/messages/count_tokens, in Anthropic's shape. */
export function messagesRoutes(serving: Serving) {
  return [
    route({
      method: "post",
      path: "/v1/messages",
      summary: "Answers a conversation as Anthropic's API does, whole or as a stream of events.",
      role: "user",
      body: messagesSchema,
      prepareBody: (body) => withOwnNames(body, messagesSchema.entries),
      sentNames: messagesNames,
      answer: messageAnswer,
      event: { data: messageEvent },
      problemBody,
      problemForm: messageError,
      handle: (call) => answer(serving, call),
    }),
    route({
      method: "post",
      path: "/v1/messages/count_tokens",
      summary: "Counts the tokens of a conversation as the model would read it, its images included.",
      role: "user",
      body: countSchema,
      prepareBody: (body) => withOwnNames(body, countSchema.entries),
      sentNames: messagesNames,
      answer: v.object({ input_tokens: v.number() }),
      problemBody,
      problemForm: messageError,
      handle: (call) => sendWhenDone(call.outgoing, count(serving, call)),
    }),
  ];
}

async function answer(serving: Serving, call: Call<MessagesBody>): Promise<void> {
  const { id: requestId, body, outgoing } = call;
  outgoing.setHeader("request-id", requestId);
  const messages = await readMessages(body, serving.images);
  const head = newHead("msg_", serving.models.find(body.model).name);
  if (!body.stream) {
    const whole = async () => {
      let usage: object = {};
      const result = await serving.generate(call, body.model, async ({ engine, terms }) => {
        const made = await engine.chat(messagesOptions(body, { messages, engine, terms })).result;
        usage = { ...usageOf(made, engine), ...usageOfWhole };
        return made;
      });
      return messageObject(head, contentOf(result), endOf(result, body), usage);
    };
    return sendWhenDone(outgoing, whole());
  }
  const { events, signal } = openStream(call, serving.streams, head.id);
  const stream = new MessageStream(events, head);
  const json = "jsonSchema" in body || Boolean(body.output_config?.format);
  await withFailure(
    call,
    events,
    () =>
      serving.generate(call, body.model, async ({ engine, terms }) => {
        const options = messagesOptions(body, { messages, engine, terms: { ...terms, signal } });
        const begun = begunText(options);
        const result = await writeAnswer(engine.chat(options), new BlockWriter(stream), { json, begun });
        await stream.finish(endOf(result, body), usageOf(result, engine));
        return result;
      }),
    (problem) => stream.fail(problem, requestId),
  );
}

/** The engine reads the prompt, which is then in its cache for the answer. */
async function count(serving: Serving, call: Call<PromptBody>): Promise<{ input_tokens: number }> {
  const { id: requestId, body, outgoing } = call;
  outgoing.setHeader("request-id", requestId);
  const messages = await readMessages(body, serving.images);
  let tokens = 0;
  try {
    await serving.generate(call, body.model, async ({ engine, terms }) => {
      const result = await engine.chat(countOptions(body, { messages, engine, terms })).result;
      tokens = result.usage.promptTokens;
      return result;
    });
  } catch (error) {
    // A prompt that never fits has a length as well.
    const length = error instanceof MedInferError && problemOf(error).figures.n_prompt_tokens;
    if (!length) throw error;
    tokens = length;
  }
  return { input_tokens: tokens };
}
