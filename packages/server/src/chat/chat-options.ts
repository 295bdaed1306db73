import type { ChatMessage, ChatOptions, Sampling, ToolChoice } from "medinfer";
import { Problem } from "../http/problem.js";
import type { ChatBody } from "./chat-schema.js";
import { ownChatNames } from "./own-options.js";

/** What the server decides of a request, whatever its body says. */
export interface Terms {
  cacheSalt: string;
  signal: AbortSignal;
  /** Most tokens of an answer whose request does not say. */
  defaultMaxTokens: number;
  /** Most milliseconds of an answer. */
  timeLimitMs: number;
}

/**
 * A chat as the library is asked for it.
 *
 * @param note told to the client in a header
 * @throws Problem 400
 */
export function chatOptions(
  body: ChatBody,
  messages: ChatMessage[],
  terms: Terms,
  note: (text: string) => void,
): ChatOptions {
  refuseAtOdds(body);
  const own = Object.fromEntries(
    ownChatNames.filter((name) => name in body).map((name) => [name, (body as Record<string, unknown>)[name]]),
  ) as Partial<ChatOptions>;
  const {
    continue_final_message: continued,
    chat_template_kwargs: templateArguments,
    reasoning_effort: effort,
    parallel_tool_calls: parallel,
  } = body;
  const options: ChatOptions = {
    messages,
    nPredict: body.max_completion_tokens ?? body.max_tokens ?? terms.defaultMaxTokens,
    ...formOf(body),
    ...(body.tools ? { tools: body.tools.map(toolOf) } : {}),
    ...(body.tool_choice ? { toolChoice: choiceOf(body.tool_choice) } : {}),
    ...(parallel === undefined || parallel === null ? {} : { parallelToolCalls: parallel }),
    ...(effort ? { reasoningEffort: effort } : {}),
    ...(continued ? { continueFinalMessage: true } : {}),
    ...(templateArguments ? { templateArguments } : {}),
    ...(body.n ? { n: body.n } : {}),
    ...(body.stop ? { stopStrings: [body.stop].flat() } : {}),
    ...(body.logprobs ? { nProbs: Math.max(1, body.top_logprobs ?? 0) } : {}),
    ...own,
    sampling: { ...samplingOf(body, note), ...own.sampling },
    timeLimitMs: Math.min(own.timeLimitMs ?? Infinity, terms.timeLimitMs),
    cacheSalt: terms.cacheSalt,
    signal: terms.signal,
  };
  return options;
}

/** What OpenAI's names say of sampling. */
export function samplingOf(body: SamplingFields, note: (text: string) => void): Sampling {
  const { temperature, top_p: topP, frequency_penalty: frequencyPenalty, presence_penalty: presencePenalty } = body;
  const given = { temperature, topP, frequencyPenalty, presencePenalty, seed: seedOf(body.seed, note) };
  const set = Object.entries(given).filter(([, value]) => value !== null && value !== undefined);
  const bias = Object.entries(body.logit_bias ?? {});
  return {
    ...Object.fromEntries(set),
    // OpenAI's scale ends where a token is never drawn.
    ...(bias.length > 0
      ? { tokenIdBias: Object.fromEntries(bias.map(([id, value]) => [id, value === -100 ? false : value])) }
      : {}),
  };
}

type SamplingFields = Pick<
  ChatBody,
  "temperature" | "top_p" | "frequency_penalty" | "presence_penalty" | "seed" | "logit_bias"
>;

/** Seeds have 32 bits: of a longer one what is left of it, and -1 draws one. */
function seedOf(seed: number | null | undefined, note: (text: string) => void): number | undefined {
  if (seed === null || seed === undefined) return undefined;
  if (seed >= -1 && seed < 2 ** 32) return seed;
  const reduced = Number(BigInt.asUintN(32, BigInt(seed)));
  note(`seed reduced to 32 bits: ${reduced}`);
  return reduced;
}

function refuseAtOdds(body: ChatBody): void {
  const { logprobs, top_logprobs: top, continue_final_message: continued, add_generation_prompt: opened } = body;
  const refuse = (param: string, message: string) => {
    throw new Problem(400, "invalid_value", `${param} ${message}`, { param });
  };
  if (top && !logprobs) refuse("top_logprobs", "needs logprobs: true");
  if (opened === false && !continued) {
    refuse("add_generation_prompt", "can be false only where continue_final_message is true");
  }
  if (opened === true && continued) {
    refuse("add_generation_prompt", "must not be true where continue_final_message is");
  }
  if (body.response_format?.type !== undefined && body.response_format.type !== "text") {
    if ("jsonSchema" in body || "grammar" in body) {
      refuse("response_format", "must not stand beside jsonSchema or grammar: leave one of them out");
    }
  }
}

function formOf({ response_format: format }: ChatBody): Pick<ChatOptions, "jsonSchema"> {
  if (format?.type === "json_schema") return { jsonSchema: format.json_schema.schema };
  return format?.type === "json_object" ? { jsonSchema: { type: "object" } } : {};
}

type BodyTool = NonNullable<ChatBody["tools"]>[number];

function toolOf({ function: { name, description, parameters } }: BodyTool) {
  return { name, ...(description ? { description } : {}), ...(parameters ? { parameters } : {}) };
}

function choiceOf(choice: NonNullable<ChatBody["tool_choice"]>): ToolChoice {
  if (typeof choice === "string") return choice;
  if (choice.type === "function") return { name: choice.function.name };
  const { mode, tools } = choice.allowed_tools;
  return { names: tools.map((tool) => tool.function.name), required: mode === "required" };
}
