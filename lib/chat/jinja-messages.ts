/** What a Jinja template is given, as transformers' apply_chat_template gives it. */
import type { Dialect } from "./jinja-dialect.js";
import { takenForGranted } from "./jinja-globals.js";
import { dumps, jsonText } from "./jinja/json.js";
import { Budget } from "./jinja/budget.js";
import { fromJson, sizeOf, type Dict } from "./jinja/values.js";
import { functionOf } from "./generic-tools.js";
import type { TemplateTurn } from "./template-turn.js";
import type { ResolvedTool } from "./tool-schema.js";
import type { TemplateContext } from "./types.js";

/** The variables of a template, by name. */
export function variablesOf(
  dialect: Dialect,
  turns: readonly TemplateTurn[],
  context: TemplateContext & { readonly imageInResult?: boolean },
  now: Date,
): Record<string, unknown> {
  const tools = context.tools as readonly ResolvedTool[];
  const listed = tools.map((tool) => {
    const { name, description, parameters } = functionOf(tool);
    const said = description ?? (dialect.describesTools ? "" : undefined);
    return { type: "function", function: { name, ...(said === undefined ? {} : { description: said }), parameters } };
  });
  const granted = dialect.takesForGranted ? takenForGranted(now) : {};
  const given =
    tools.length === 0
      ? {}
      : { tools: listed, ...(dialect.takesForGranted ? { functions: specifications(tools) } : {}) };
  return {
    // As transformers has it where the caller names none.
    tools: null,
    documents: null,
    ...granted,
    ...given,
    ...context.templateArguments,
    messages: turns.map((turn) => messageOf(dialect, turn, context.imageInResult === true)),
    add_generation_prompt: context.addGenerationPrompt,
    bos_token: context.bosToken,
    eos_token: context.eosToken,
    pad_token: context.padToken,
  };
}

/** One turn. Calls have their arguments as the dialect says. */
function messageOf(dialect: Dialect, turn: TemplateTurn, imageInResult: boolean): Record<string, unknown> {
  const { role, toolCallId, name } = turn;
  const { content, calls } = dialect.callsInText ? withCallsInText(turn) : turn;
  const isTooMuch = calls !== undefined && content !== "" && !dialect.reasoningBesideProse;
  const reasoning = isTooMuch ? undefined : turn.reasoning;
  const isResult = role === "tool" && toolCallId !== undefined;
  const text = { type: "text", text: content };
  const inParts = isResult ? dialect.resultParts : dialect.takesParts;
  const thinking = reasoning !== undefined && dialect.thinkingParts ? [{ type: "thinking", thinking: reasoning }] : [];
  const parts = [...thinking, ...(inParts || content !== "" ? [text] : [])];
  if (isResult && imageInResult) parts.push({ type: "image" } as never);
  return {
    role,
    content: inParts || thinking.length > 0 ? parts : content,
    // Under all the names that transformers knows for it.
    ...(reasoning === undefined || thinking.length > 0
      ? {}
      : { thinking: reasoning, reasoning, reasoning_content: reasoning }),
    ...(calls === undefined
      ? {}
      : {
          tool_calls: calls.map((call) => ({
            id: call.id,
            type: "function",
            function: { name: call.name, arguments: call.arguments },
          })),
        }),
    ...(isResult ? { tool_call_id: toolCallId, name } : {}),
  };
}

/** As LFM2 writes calls, and LFM2.5's template: behind what is said, as in Python, with values as in JSON. */
function withCallsInText({ content, calls }: TemplateTurn): Pick<TemplateTurn, "content" | "calls"> {
  if (calls === undefined) return { content };
  const written = calls.map(({ name, arguments: args }) => {
    const given = [...(args as Dict).entries()].map(([key, value]) => `${key as string}=${jsonText(value)}`);
    return `${name}(${given.join(", ")})`;
  });
  return { content: `${content}<|tool_call_start|>[${written.join(", ")}]<|tool_call_end|>` };
}

/** The tools as Firefunction's template wants them: one text. */
function specifications(tools: readonly ResolvedTool[]): string {
  const value = fromJson(tools.map(functionOf));
  const options = { ensureAscii: false, indent: "    ", separators: [",", ": "] as const, sortKeys: false };
  return dumps(value, options, new Budget(sizeOf(value)));
}
