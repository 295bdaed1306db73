import type { Engine } from "medinfer";
import * as v from "valibot";
import { BlockWriter } from "../generate/block-writer.js";
import { logprobsShown } from "../generate/logprobs-shown.js";
import { notesTo } from "../generate/notes.js";
import { openStream } from "../generate/open-stream.js";
import { responseNames } from "../generate/answer-names.js";
import { withOwnNames } from "../generate/own-options.js";
import { newHead } from "../generate/stream-head.js";
import { writeAnswer } from "../generate/write-answer.js";
import { withFailure } from "../http/answer-stream.js";
import { sendWhenDone } from "../http/long-answer.js";
import { Problem } from "../http/problem.js";
import { route, type Call, type Route } from "../http/route.js";
import type { Serving } from "../serving.js";
import type { InputItem } from "./input-schema.js";
import { outputItems } from "./output-items.js";
import { readInput } from "./read-input.js";
import { responseAnswer, responseEvent } from "./response-answer.js";
import { responseObject, responseUsage, statusOf, type ResponseState } from "./response-object.js";
import { isJson, responseOptions, showsLogprobs } from "./response-options.js";
import { responseSchema, type ResponseBody } from "./response-schema.js";
import { ResponseStore } from "./response-store.js";
import { ResponseStream } from "./response-stream.js";

/**
 * POST /v1/responses, and where responses are kept GET and DELETE /v1/responses/{id}.
 *
 * @param keep whether responses are kept, for later ones to go on from
 */
export function responseRoutes(serving: Serving, keep: boolean): Route[] {
  const store = keep ? new ResponseStore() : undefined;
  const create = route({
    method: "post",
    path: "/v1/responses",
    summary: "Answers a conversation as OpenAI's response, whole or as a stream of events.",
    role: "user",
    body: responseSchema,
    prepareBody: (body) => withOwnNames(body, responseSchema.entries),
    sentNames: responseNames,
    answer: responseAnswer,
    event: { data: responseEvent },
    handle: (call) => answer(serving, call, store),
  });
  return store === undefined ? [create] : [create, ...storedRoutes(store)];
}

function storedRoutes(store: ResponseStore): Route[] {
  return [
    route({
      method: "get",
      path: "/v1/responses/:id",
      summary: "A response that is kept.",
      role: "user",
      answer: responseAnswer,
      handle: ({ params, who }) => store.find(params.id!, who.tenant),
    }),
    route({
      method: "delete",
      path: "/v1/responses/:id",
      summary: "Forgets a response. Those that went on from it keep what they have of it.",
      role: "user",
      answer: v.object({ id: v.string(), object: v.literal("response"), deleted: v.literal(true) }),
      handle({ params, who }) {
        store.delete(params.id!, who.tenant);
        return { id: params.id!, object: "response", deleted: true };
      },
    }),
  ];
}

async function answer(serving: Serving, call: Call<ResponseBody>, store: ResponseStore | undefined): Promise<void> {
  const { body, outgoing, who } = call;
  if (store === undefined) refuseState(body);
  const before = body.previous_response_id ? store!.conversation(body.previous_response_id, who.tenant) : [];
  const input = itemsOf(body);
  const messages = [
    ...(await readInput(before, "previous_response_id", serving.images)),
    ...(await readInput(input, "input", serving.images)),
  ];
  const head = newHead("resp_", serving.models.find(body.model).name);
  const stored = store !== undefined && body.store !== false;
  const responseIn = (state: ResponseState) => responseObject(head, body, state, stored);
  const shownOf = ({ info }: Engine) => (showsLogprobs(body) ? logprobsShown(body.top_logprobs ?? 0, info) : undefined);
  // What is wrong with them is told before anything is waited for.
  const options = responseOptions(body, messages, serving.terms(call), notesTo(outgoing));
  const keep = (response: ReturnType<typeof responseIn>) => {
    if (stored) store.keep(who.tenant, response, [...before, ...input]);
    return response;
  };
  if (!body.stream) {
    const whole = async () => {
      let state: ResponseState | undefined;
      await serving.generate(call, body.model, async ({ engine }) => {
        const made = await engine.chat(options).result;
        const output = outputItems(made, shownOf(engine));
        state = { status: statusOf(made), output, usage: responseUsage(made, engine) };
        return made;
      });
      return keep(responseIn(state!));
    };
    return sendWhenDone(outgoing, whole());
  }
  const { events, signal } = openStream(call, serving.streams, head.id);
  const stream = new ResponseStream(events, responseIn);
  await withFailure(
    call,
    events,
    () =>
      serving.generate(call, body.model, async ({ engine }) => {
        stream.show(shownOf(engine));
        const answer = engine.chat({ ...options, signal });
        const result = await writeAnswer(answer, new BlockWriter(stream), { json: isJson(body) });
        await stream.finish(keep(stream.whole(statusOf(result), responseUsage(result, engine))));
        return result;
      }),
    (problem) => stream.fail(problem),
  );
}

function itemsOf({ input }: ResponseBody): readonly InputItem[] {
  return typeof input === "string" ? [{ type: "message", role: "user", content: input }] : input;
}

function refuseState({ store, previous_response_id: previous }: ResponseBody): void {
  const param = previous ? "previous_response_id" : "store";
  if (!previous && !store) return;
  const what = `${param} needs responses to be kept, and this server keeps none`;
  const help = "send the whole conversation as input, or have the operator set responseState";
  throw new Problem(400, "response_state_off", `${what}: ${help}`, { param });
}
