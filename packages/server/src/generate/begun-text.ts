import type { ChatOptions } from "medinfer";

/** The text that an answer continues, of the conversation's last message; empty where it begins anew. */
export function begunText({ messages, continueFinalMessage }: ChatOptions): string {
  const content = continueFinalMessage === true ? messages.at(-1)?.content : undefined;
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => (part.type === "text" ? part.text : "")).join("");
}
