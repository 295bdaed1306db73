/** Every result answers a call, and every call is answered before anything else is said. */
import type { ResolvedMessage } from "./types.js";

/** What is wrong with a conversation's calls and results. */
export interface ResultFault {
  /** The message's index. */
  at: number;
  /** Undefined: the message as a whole. */
  key: "toolCallId" | "name" | undefined;
  message: string;
}

/** Most ids that a message tells of. */
const MOST_IDS = 5;

const told = (ids: readonly string[]) => {
  const shown = ids.slice(0, MOST_IDS).map((id) => JSON.stringify(id.slice(0, 80)));
  return shown.join(", ") + (ids.length > MOST_IDS ? ` and ${ids.length - MOST_IDS} more` : "");
};

/** The first fault; undefined: there is none. A call that nothing follows need not be answered. */
export function findResultFault(messages: readonly ResolvedMessage[]): ResultFault | undefined {
  /** The names of the tools of the latest calls, by id. */
  let calls = new Map<string, string>();
  const answered = new Set<string>();
  const missing = () => [...calls.keys()].filter((id) => !answered.has(id));
  for (const [at, { role, toolCalls = [], toolCallId, name }] of messages.entries()) {
    if (role !== "tool") {
      const left = missing();
      if (left.length > 0) {
        return { at, key: undefined, message: `must be the result of a call before it: ${told(left)} has none` };
      }
      calls = new Map(toolCalls.map((call) => [call.id, call.name]));
      answered.clear();
      continue;
    }
    const id = toolCallId!;
    if (calls.size === 0) {
      return {
        at,
        key: undefined,
        message: "must follow an assistant message with toolCalls, one of which it answers",
      };
    }
    const fault = (key: "toolCallId" | "name", message: string) => ({ at, key, message });
    if (!calls.has(id)) {
      return fault(
        "toolCallId",
        `names no call of the assistant message before it: ${told([id])} is not among ${told([...calls.keys()])}`,
      );
    }
    if (answered.has(id)) return fault("toolCallId", `names a call that is answered already: ${told([id])}`);
    if (name !== undefined && name !== calls.get(id)) {
      return fault("name", "is not the name of the tool that was called: leave it out, or name that one");
    }
    answered.add(id);
  }
  const left = missing();
  if (left.length === 0 || messages.at(-1)?.role !== "tool") return undefined;
  return { at: messages.length - 1, key: undefined, message: `must be followed by the result of ${told(left)}` };
}

/** The results with the names of their tools. REQUIRES: there is no fault. */
export function nameResults(messages: readonly ResolvedMessage[]): ResolvedMessage[] {
  let names = new Map<string, string>();
  return messages.map((message) => {
    const { role, toolCalls = [], toolCallId } = message;
    if (role === "tool") return { ...message, name: names.get(toolCallId!)! };
    names = new Map(toolCalls.map(({ id, name }) => [id, name]));
    return message;
  });
}
