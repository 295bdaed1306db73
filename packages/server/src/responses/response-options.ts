import type { ChatMessage, ChatOptions, ToolChoice } from "medinfer";
import { answerOptions } from "../generate/answer-options.js";
import { noFile } from "../generate/no-file.js";
import { ownChatNames } from "../generate/own-options.js";
import type { Terms } from "../generate/terms.js";
import { Problem } from "../http/problem.js";
import type { ResponseBody } from "./response-schema.js";

/**
 * A response as the library is asked for it.
 *
 * @param note told to the client in a header
 * @throws Problem 400
 */
export function responseOptions(
  body: ResponseBody,
  messages: ChatMessage[],
  terms: Terms,
  note: (text: string) => void,
): ChatOptions {
  refuseAtOdds(body);
  const { instructions, parallel_tool_calls: parallel, reasoning, tool_choice: choice, tools, truncation } = body;
  const system: ChatMessage[] = instructions ? [{ role: "system", content: noFile(instructions, "instructions") }] : [];
  const fields: ChatOptions = {
    messages: [...system, ...messages],
    nPredict: body.max_output_tokens ?? terms.defaultMaxTokens,
    ...formOf(body),
    ...(tools ? { tools: tools.map(toolOf) } : {}),
    ...(choice ? { toolChoice: choiceOf(choice) } : {}),
    ...(typeof parallel === "boolean" ? { parallelToolCalls: parallel } : {}),
    ...(reasoning?.effort ? { reasoningEffort: reasoning.effort } : {}),
    ...(truncation === "auto" ? { onContextFull: "dropOldestTurns" } : {}),
    ...(showsLogprobs(body) ? { nProbs: Math.max(1, body.top_logprobs ?? 0) } : {}),
  };
  return answerOptions(fields, { body, ownNames: ownChatNames, terms, note });
}

export function showsLogprobs({ include, top_logprobs: top }: ResponseBody): boolean {
  return (include ?? []).includes("message.output_text.logprobs") || (top ?? 0) > 0;
}

export function isJson(body: ResponseBody): boolean {
  return "jsonSchema" in body || (body.text?.format ?? { type: "text" }).type !== "text";
}

function formOf({ text }: ResponseBody): Pick<ChatOptions, "jsonSchema"> {
  const format = text?.format;
  if (format?.type === "json_schema") return { jsonSchema: format.schema };
  return format?.type === "json_object" ? { jsonSchema: { type: "object" } } : {};
}

function toolOf({ name, description, parameters }: NonNullable<ResponseBody["tools"]>[number]) {
  return { name, ...(description ? { description } : {}), ...(parameters ? { parameters } : {}) };
}

function choiceOf(choice: NonNullable<ResponseBody["tool_choice"]>): ToolChoice {
  if (typeof choice === "string") return choice;
  if (choice.type === "function") return { name: choice.name };
  return { names: choice.tools.map(({ name }) => name), required: choice.mode === "required" };
}

function refuseAtOdds(body: ResponseBody): void {
  const format = body.text?.format;
  if (format && format.type !== "text" && ("jsonSchema" in body || "grammar" in body)) {
    const what = "text.format must not stand beside jsonSchema or grammar: leave one of them out";
    throw new Problem(400, "invalid_value", what, { param: "text.format" });
  }
}
