import type { ChatOptions, Engine, RenderedChat } from "medinfer";
import * as v from "valibot";
import { chatOptions } from "../chat/chat-options.js";
import { chatSchema } from "../chat/chat-schema.js";
import { chatNames } from "../generate/answer-names.js";
import { withOwnNames } from "../generate/own-options.js";
import { readMessages } from "../chat/read-messages.js";
import { sendWhenDone } from "../http/long-answer.js";
import { Problem } from "../http/problem.js";
import { route, type Call } from "../http/route.js";
import type { Serving } from "../serving.js";
import { withModelOf } from "./model-of.js";

const { model: _model, ...chatEntries } = chatSchema.entries;

/** The body of a chat, and whether its prompt is shown with the BOS token that the engine puts before it. */
const renderSchema = v.strictObject({
  ...chatEntries,
  model: v.nullish(v.string()),
  add_special_tokens: v.nullish(v.boolean()),
});

const renderAnswer = v.object({
  model: v.string(),
  prompt: v.string(),
  /** What the template ends answers with. */
  stop: v.array(v.string()),
  /** What the answer continues, where the last message is continued: the prompt's end. */
  prefill: v.optional(v.string()),
});

/** POST /v1/chat/completions/render and /apply-template: the prompt that a chat would send. */
export function renderRoutes(serving: Serving) {
  const of = (path: string) =>
    route({
      method: "post",
      path,
      summary: "The prompt that a chat would send. An image is written as <__media__>.",
      role: "user",
      body: renderSchema,
      prepareBody: (body) => withOwnNames(body, renderSchema.entries),
      sentNames: chatNames,
      answer: renderAnswer,
      handle: (call) => sendWhenDone(call.outgoing, render(serving, call)),
    });
  return [of("/v1/chat/completions/render"), of("/apply-template")];
}

async function render(serving: Serving, call: Call<v.InferOutput<typeof renderSchema>>): Promise<object> {
  const { add_special_tokens: withBos, add_generation_prompt: opened, ...rest } = call.body;
  const messages = await readMessages(rest.messages, serving.images);
  return withModelOf(serving, call, rest.model, ({ engine, model }) => {
    const terms = { cacheSalt: "", signal: call.signal, defaultMaxTokens: 1, timeLimitMs: 1 };
    const options = chatOptions({ ...rest, model: model.name }, messages, terms, () => {});
    const { prompt, stopStrings, prefill } = rendered(engine, options, opened ?? undefined);
    return {
      model: model.name,
      prompt: withBos ? `${bosOf(engine, prompt)}${prompt}` : prompt,
      stop: stopStrings,
      ...(prefill === undefined ? {} : { prefill }),
    };
  });
}

/** @throws Problem 400 */
function rendered(engine: Engine, options: ChatOptions, addGenerationPrompt: boolean | undefined): RenderedChat {
  if (options.useChatTemplate === false) {
    throw new Problem(400, "invalid_value", "useChatTemplate must not be false: there is nothing to render", {
      param: "useChatTemplate",
    });
  }
  const { chatTemplate, tools, templateArguments, reasoningEffort, continueFinalMessage } = options;
  const given = { chatTemplate, tools, templateArguments, reasoningEffort, continueFinalMessage, addGenerationPrompt };
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  return engine.applyChatTemplate(options.messages, Object.fromEntries(said));
}

/** The BOS token's text, where the engine puts it before this prompt. */
function bosOf(engine: Engine, prompt: string): string {
  const { bosToken } = engine.info;
  const [first] = engine.tokenize("a", { addSpecial: true });
  const adds = first !== undefined && engine.detokenize([first], { special: true }) === bosToken;
  return adds && !prompt.startsWith(bosToken) ? bosToken : "";
}
