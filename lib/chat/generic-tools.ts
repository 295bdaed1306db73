/**
 * Tools for templates that have no form of their own for them: everything becomes text of ordinary messages.
 *
 * - The tools, and how to call them, stand at the end of the first system message, or in one of their own; where the
 *   template has no system messages, at the beginning of the first user message.
 * - A call of the assistant is {@link toolCallTags}' tags with a JSON object of its name and arguments between them, each
 *   on lines of their own, behind what was said.
 * - Results that stand together are one user message: for each, {@link toolResponseTags}' tags with its content between.
 */
import { jsonText } from "./jinja/json.js";
import { fromJson } from "./jinja/values.js";
import type { TemplateTurn, TurnCall } from "./template-turn.js";
import type { ResolvedTool } from "./tool-schema.js";

/** What stands around a call. */
export const toolCallTags = { open: "<tool_call>", close: "</tool_call>" } as const;

/** What stands around a result. */
export const toolResponseTags = { open: "<tool_response>", close: "</tool_response>" } as const;

/** What has to be known of the template. */
export interface GenericPlaces {
  /** Whether it has system messages. */
  readonly hasSystem: boolean;
  /** The role that asks. */
  readonly userRole: string;
}

/** The turns with their calls and results as text. REQUIRES: calls have their arguments as text. */
export function withGenericTools(
  turns: readonly TemplateTurn[],
  tools: readonly ResolvedTool[],
  { hasSystem, userRole }: GenericPlaces,
): TemplateTurn[] {
  const written: TemplateTurn[] = [];
  turns.forEach(({ role, content, reasoning, calls = [] }, i) => {
    if (role === "tool") {
      const result = between(toolResponseTags, content);
      const last = written.at(-1);
      if (turns[i - 1]?.role === "tool" && last !== undefined) {
        written[written.length - 1] = { ...last, content: `${last.content}\n${result}` };
      } else written.push({ role: userRole, content: result });
    } else {
      const lines = calls.map((call) => between(toolCallTags, callText(call)));
      written.push({ role, content: [content, ...lines].filter((line) => line !== "").join("\n"), reasoning });
    }
  });
  return tools.length === 0 ? written : withTools(written, toolsText(tools), { hasSystem, userRole });
}

function withTools(turns: readonly TemplateTurn[], text: string, { hasSystem, userRole }: GenericPlaces) {
  const [first] = turns;
  if (hasSystem) {
    if (first?.role !== "system") return [{ role: "system", content: text }, ...turns];
    const content = first.content.trim() === "" ? text : `${first.content}\n\n${text}`;
    return [{ ...first, content }, ...turns.slice(1)];
  }
  const at = turns.findIndex(({ role }) => role === userRole);
  if (at < 0) return [{ role: userRole, content: text }, ...turns];
  return turns.map((turn, i) => (i === at ? { ...turn, content: `${text}\n\n${turn.content}` } : turn));
}

function between({ open, close }: { open: string; close: string }, text: string): string {
  return `${open}\n${text}\n${close}`;
}

/** As the model is told to write it. */
function callText({ name, arguments: json }: TurnCall): string {
  return `{"name": ${JSON.stringify(name)}, "arguments": ${json as string}}`;
}

/** What the model is told of its tools. */
function toolsText(tools: readonly ResolvedTool[]): string {
  const { open, close } = toolCallTags;
  return [
    "# Tools",
    "",
    "You can call functions. Each line between <tools> and </tools> describes one, its parameters as a JSON schema:",
    "<tools>",
    ...tools.map((tool) => jsonText(fromJson(functionOf(tool)))),
    "</tools>",
    "",
    `To call one, write a JSON object with its name and arguments between ${open} and ${close}:`,
    open,
    '{"name": "the function\'s name", "arguments": {"parameter": "value"}}',
    close,
    "Several calls stand one after the other, each between tags of its own. You are given the results, in the order of the " +
      `calls, between ${toolResponseTags.open} and ${toolResponseTags.close}.`,
  ].join("\n");
}

/** A tool as JSON has it: without a description where it has none. */
export function functionOf({ name, description, parameters }: ResolvedTool) {
  return { name, ...(description === undefined ? {} : { description }), parameters };
}
