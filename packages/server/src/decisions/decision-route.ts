import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { messages } from "../chat/message-schema.js";
import { readMessages } from "../chat/read-messages.js";
import { chatNames } from "../generate/answer-names.js";
import { usageSchema } from "../generate/usage-schema.js";
import { usageOf } from "../generate/usage.js";
import { sendWhenDone } from "../http/long-answer.js";
import { route, type Call } from "../http/route.js";
import type { Serving } from "../serving.js";
import { answersOf, questionSchema } from "./question.js";
import { weigh } from "./weigh.js";

const decisionSchema = v.strictObject({
  model: v.string(),
  messages,
  question: questionSchema,
  /** Below it there is no decision. Default 0: there always is one. */
  threshold: v.nullish(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
});

const value = v.union([v.boolean(), v.string(), v.number()]);

const decisionAnswer = v.object({
  id: v.string(),
  object: v.literal("decision"),
  created: v.number(),
  model: v.string(),
  /** None where there is a refusal. */
  decision: v.nullable(value),
  refusal: v.nullable(v.object({ code: v.literal("below_threshold"), message: v.string() })),
  /** That of the likeliest answer, refused or not. */
  probability: v.number(),
  probabilities: v.array(v.object({ value, probability: v.number() })),
  /** Of a score alone: the mean of all numbers, each as likely as it is. */
  expected: v.optional(v.number()),
  coverage: v.number(),
  usage: usageSchema,
});

/** POST /v1/decisions */
export function decisionRoute(serving: Serving) {
  return route({
    method: "post",
    path: "/v1/decisions",
    summary: "Answers a question that has a few possible answers with their probabilities, or refuses to.",
    role: "user",
    body: decisionSchema,
    sentNames: { ...chatNames, candidates: ["question.choices", "question…"] },
    answer: decisionAnswer,
    handle: (call) => sendWhenDone(call.outgoing, decide(serving, call)),
  });
}

async function decide(serving: Serving, call: Call<v.InferOutput<typeof decisionSchema>>): Promise<object> {
  const { model, question, threshold } = call.body;
  const conversation = await readMessages(call.body.messages, serving.images);
  const possible = answersOf(question);
  const { candidates, usage } = await serving.read(call, model, "generate", ({ engine }) =>
    engine.score({
      messages: conversation,
      candidates: possible.flatMap(({ forms }) => forms),
      cacheSalt: call.who.cacheSalt,
      signal: call.signal,
    }),
  );
  const { answers, coverage } = weigh(possible, candidates);
  const best = answers.reduce((before, each) => (each.probability > before.probability ? each : before));
  const refused = best.probability < (threshold ?? 0);
  return {
    id: `decision-${randomUUID()}`,
    object: "decision",
    created: Math.floor(Date.now() / 1000),
    model: serving.models.find(model).name,
    decision: refused ? null : best.value,
    refusal: refused ? { code: "below_threshold", message: "no answer is as likely as the threshold asks" } : null,
    probability: best.probability,
    probabilities: answers,
    ...(question.type === "score" ? { expected: meanOf(answers) } : {}),
    coverage,
    usage: usageOf(usage),
  };
}

function meanOf(answers: readonly { value: unknown; probability: number }[]): number {
  return answers.reduce((sum, { value, probability }) => sum + Number(value) * probability, 0);
}
