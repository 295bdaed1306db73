import type { ChatMessage, ChatOptions, ToolChoice } from "medinfer";
import { answerOptions } from "../generate/answer-options.js";
import { ownChatNames } from "../generate/own-options.js";
import type { Terms } from "../generate/terms.js";
import { Problem } from "../http/problem.js";
import type { ChatBody } from "./chat-schema.js";

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
  const {
    continue_final_message: continued,
    chat_template_kwargs: templateArguments,
    reasoning_effort: effort,
    parallel_tool_calls: parallel,
  } = body;
  const fields: ChatOptions = {
    messages,
    nPredict: body.max_completion_tokens ?? body.max_tokens ?? terms.defaultMaxTokens,
    ...formOf(body),
    ...(body.tools ? { tools: body.tools.map(toolOf) } : {}),
    ...(body.tool_choice ? { toolChoice: choiceOf(body.tool_choice) } : {}),
    ...(parallel === undefined || parallel === null ? {} : { parallelToolCalls: parallel }),
    ...(effort ? { reasoningEffort: effort } : {}),
    ...(body.prediction ? { expectedText: textOf(body.prediction.content) } : {}),
    ...(continued ? { continueFinalMessage: true } : {}),
    ...(templateArguments ? { templateArguments } : {}),
    ...(body.n ? { n: body.n } : {}),
    ...(body.stop ? { stopStrings: [body.stop].flat() } : {}),
    ...(body.logprobs ? { nProbs: Math.max(1, body.top_logprobs ?? 0) } : {}),
  };
  return answerOptions(fields, { body, ownNames: ownChatNames, terms, note });
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

function textOf(content: NonNullable<ChatBody["prediction"]>["content"]): string {
  return typeof content === "string" ? content : content.map(({ text }) => text).join("");
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
