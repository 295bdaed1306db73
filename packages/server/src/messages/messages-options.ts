import type { ChatMessage, ChatOptions, Engine, ToolChoice } from "medinfer";
import { MedInferError } from "medinfer";
import { answerOptions } from "../generate/answer-options.js";
import { ownChatNames } from "../generate/own-options.js";
import type { Terms } from "../generate/terms.js";
import { Problem } from "../http/problem.js";
import type { MessagesBody, PromptBody } from "./messages-schema.js";

/** Makes options of bodies for one engine. */
export interface MessagesOptionsFor {
  messages: ChatMessage[];
  engine: Engine;
  terms: Terms;
}

/**
 * An answer as the library is asked for it.
 *
 * @throws Problem 400
 */
export function messagesOptions(body: MessagesBody, { messages, engine, terms }: MessagesOptionsFor): ChatOptions {
  const { max_tokens: most, stop_sequences: stops, top_k: topK } = body;
  const fields: ChatOptions = {
    ...promptFields(body, messages, engine),
    nPredict: most,
    ...(stops ? { stopStrings: stops } : {}),
    ...(typeof topK === "number" ? { sampling: { topK } } : {}),
  };
  return answerOptions(fields, { body, ownNames: ownChatNames, terms, note: () => {} });
}

/**
 * The same, of which the prompt alone is read.
 *
 * @throws Problem 400
 */
export function countOptions(body: PromptBody, { messages, engine, terms }: MessagesOptionsFor): ChatOptions {
  const fields = promptFields(body, messages, engine);
  const options = answerOptions(fields, { body, ownNames: ownChatNames, terms, note: () => {} });
  return { ...options, nPredict: 0 };
}

function promptFields(body: PromptBody, messages: ChatMessage[], engine: Engine): ChatOptions {
  const { output_config: output, thinking, tool_choice: choice, tools } = body;
  if (output?.format && ("jsonSchema" in body || "grammar" in body)) {
    const what = "output_config.format must not stand beside jsonSchema or grammar: leave one of them out";
    throw new Problem(400, "invalid_value", what, { param: "output_config.format" });
  }
  const last = messages.at(-1);
  const continues = last?.role === "assistant" && last.toolCalls === undefined;
  const once = choice && choice.type !== "none" && choice.disable_parallel_tool_use === true;
  return {
    messages,
    ...(continues ? { continueFinalMessage: true } : {}),
    ...(output?.format ? { jsonSchema: output.format.schema } : {}),
    ...(output?.effort ? { reasoningEffort: output.effort } : {}),
    ...(tools ? { tools: tools.map(toolOf) } : {}),
    ...(choice ? { toolChoice: choiceOf(choice) } : {}),
    ...(once ? { parallelToolCalls: false } : {}),
    ...(thinking?.type === "enabled" ? { thinkingBudget: thinking.budget_tokens } : {}),
    ...(thinking?.type === "disabled" && !output?.effort && hasSwitch(engine) ? { reasoningEffort: "none" } : {}),
  };
}

/** Whether the chat template can say how much to think. A model that cannot think needs not to be told to leave it. */
function hasSwitch(engine: Engine): boolean {
  try {
    engine.applyChatTemplate([{ role: "user", content: "" }], { reasoningEffort: "none" });
    return true;
  } catch (error) {
    if (error instanceof MedInferError && error.code === "INVALID_ARGUMENT") return false;
    throw error;
  }
}

function toolOf({ name, description, input_schema: parameters }: NonNullable<PromptBody["tools"]>[number]) {
  return { name, ...(description ? { description } : {}), parameters };
}

function choiceOf(choice: NonNullable<PromptBody["tool_choice"]>): ToolChoice {
  if (choice.type === "tool") return { name: choice.name };
  return choice.type === "any" ? "required" : choice.type;
}
