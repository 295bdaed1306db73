/** Which tools the model may call, and whether it has to. */
import * as v from "valibot";
import { toolName, type ResolvedTool } from "../chat/tool-schema.js";
import { argumentError } from "../errors.js";
import { flag, list, object, oneOf } from "../validation/fields.js";

/**
 * Which tools the model may call.
 *
 * - `"auto"`: any of them, or none: the model answers in prose, calls tools, or both.
 * - `"none"`: none. The prompt describes them all the same.
 * - `"required"`: at least one of them.
 * - `{ name }`: this one, once.
 * - `{ names, required }`: any of these, and with `required: true` at least one of them. Default of `required`: false.
 */
export type ToolChoice =
  "auto" | "none" | "required" | { name: string } | { names: readonly string[]; required?: boolean };

const named = object({ name: toolName });
const allowed = object({
  names: v.pipe(
    list(toolName, "names of tools"),
    v.check((names) => names.length > 0, "must name a tool"),
  ),
  required: v.optional(flag(), false),
});
const word = oneOf(["auto", "none", "required"]);

/** Checks {@link ToolChoice}. */
export const toolChoiceSchema = v.lazy((input): v.GenericSchema<ToolChoice> => {
  if (typeof input !== "object" || input === null) return word;
  return "name" in input ? named : allowed;
}) satisfies v.GenericSchema<ToolChoice>;

/** A choice with the tools that it leaves. */
export interface SettledChoice {
  mode: "none" | "auto" | "required";
  tools: readonly ResolvedTool[];
  /** Whether one call is all that may come. */
  once: boolean;
}

/** @throws MedInferError `INVALID_ARGUMENT` for a choice among tools that are not there */
export function settleChoice(
  call: string,
  choice: ToolChoice | undefined,
  tools: readonly ResolvedTool[],
): SettledChoice {
  if (tools.length === 0) {
    if (choice !== undefined && choice !== "none" && choice !== "auto") {
      throw argumentError(call, "toolChoice", "has no effect without tools: give some, or leave it out");
    }
    return { mode: "none", tools: [], once: false };
  }
  if (choice === undefined || typeof choice === "string") return { mode: choice ?? "auto", tools, once: false };
  const names = "name" in choice ? [choice.name] : choice.names;
  const unknown = names.find((name) => !tools.some((tool) => tool.name === name));
  if (unknown !== undefined) {
    const path = "name" in choice ? "toolChoice.name" : "toolChoice.names";
    throw argumentError(call, path, `must name tools of the request: "${unknown}" is none of them`);
  }
  const chosen = tools.filter(({ name }) => names.includes(name));
  if ("name" in choice) return { mode: "required", tools: chosen, once: true };
  return { mode: choice.required === true ? "required" : "auto", tools: chosen, once: false };
}
