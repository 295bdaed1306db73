/** What a response is made of. */
import { randomUUID } from "node:crypto";
import type { GenerationResult, MadeToolCall } from "medinfer";
import { logprobEntries, type LogprobsShown } from "../generate/logprobs-shown.js";
import { finishReason } from "../generate/usage.js";

export type ItemStatus = "in_progress" | "completed" | "incomplete";
export type OutputItem =
  ReturnType<typeof messageItem> | ReturnType<typeof reasoningItem> | ReturnType<typeof callItem>;

export const itemId = {
  text: () => `msg_${randomUUID()}`,
  reasoning: () => `rs_${randomUUID()}`,
  call: () => `fc_${randomUUID()}`,
};

type Entries = ReturnType<typeof logprobEntries>;

export function textPart(text: string, logprobs: Entries = []) {
  return { type: "output_text" as const, text, annotations: [] as never[], logprobs };
}

export function reasoningPart(text: string) {
  return { type: "reasoning_text" as const, text };
}

/** @param part undefined: nothing was said yet */
export function messageItem(id: string, status: ItemStatus, part?: ReturnType<typeof textPart>) {
  const content = part === undefined ? [] : [part];
  return { id, type: "message" as const, status, role: "assistant" as const, content };
}

/** @param part undefined: nothing was thought yet */
export function reasoningItem(id: string, status: ItemStatus, part?: ReturnType<typeof reasoningPart>) {
  const content = part === undefined ? [] : [part];
  return { id, type: "reasoning" as const, status, summary: [] as never[], content };
}

export function callItem(id: string, status: ItemStatus, { id: callId, name }: MadeToolCall, text: string) {
  return { id, type: "function_call" as const, status, call_id: callId, name, arguments: text };
}

/** The items of a whole answer. */
export function outputItems(result: GenerationResult, shown: LogprobsShown | undefined): OutputItem[] {
  const { reasoning, text, toolCalls, logprobs = [] } = result;
  const cut = finishReason(result.finishReason) === "length" && toolCalls.length === 0;
  const statusOf = (last: boolean): ItemStatus => (cut && last ? "incomplete" : "completed");
  const entries = shown === undefined ? [] : logprobEntries(logprobs, shown);
  return [
    ...(reasoning === "" ? [] : [reasoningItem(itemId.reasoning(), statusOf(text === ""), reasoningPart(reasoning))]),
    ...(text === "" ? [] : [messageItem(itemId.text(), statusOf(true), textPart(text, entries))]),
    ...toolCalls.map((each) => callItem(itemId.call(), "completed", each, each.arguments)),
  ];
}
