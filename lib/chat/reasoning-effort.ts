/** Which of a template's own variables says how much the model is to think. */
import * as v from "valibot";
import { argumentError } from "../errors.js";
import { any } from "../validation/fields.js";
import type { TemplateDefinition } from "./definition.js";
import { noLiterals } from "./jinja/literals.js";
import type { ReasoningEffort, TemplateArguments } from "./types.js";

/** Checks {@link ReasoningEffort}. */
export const reasoningEffortSchema = v.optional(
  any<ReasoningEffort>(
    (value) => typeof value === "string" && /^[A-Za-z][\w-]{0,31}$/.test(value),
    'a word such as "none", "low", "medium" or "high"',
  ),
);

/** Variables that take a level, as families call them. */
const levels = ["reasoning_effort", "thinking_effort"];
/** What templates call the level `"none"`, where they have one; the first that they spell is taken. */
const noLevels = ["none", "no_think", "off", "disabled", "minimal"];
/** Variables that switch thinking on and off. The first that is read is set. */
const switches = ["enable_thinking", "thinking"];

/**
 * The arguments with what an effort means to the template:
 *
 * - the variable of the level, `reasoning_effort` or `thinking_effort`, gets it as it is;
 * - the switch, `enable_thinking` or `thinking`, is off for `"none"` and on for any other level; where there is one, the
 *   level `"none"` is told by it alone. Where there is none, `"none"` is what the template itself calls it, at most
 *   `"minimal"`, and refused where it spells no such word;
 * - where there is only `thinking_mode`, `"none"` is `"disabled"` and others are `"enabled"`; where there is only
 *   `thinking_budget`, `"none"` is 0 and others have no meaning.
 *
 * @throws MedInferError `INVALID_ARGUMENT` where the template reads none of them, or the arguments give one already
 */
export function withEffort(
  { name, variables = new Set(), literals = noLiterals }: TemplateDefinition,
  effort: ReasoningEffort | undefined,
  given: TemplateArguments,
): TemplateArguments {
  if (effort === undefined) return given;
  const call = `the chat template "${name}"`;
  const said = variables === "any" ? { reasoning_effort: effort } : variablesFor(effort, variables, literals.all);
  if (typeof said === "string") throw argumentError(call, "reasoningEffort", said);
  const twice = Object.keys(said).find((key) => Object.hasOwn(given, key));
  if (twice !== undefined) {
    throw argumentError(call, "reasoningEffort", `sets ${twice}, as templateArguments do: leave one of them out`);
  }
  return { ...given, ...said };
}

/** The arguments, or why there are none. */
function variablesFor(
  effort: ReasoningEffort,
  variables: ReadonlySet<string>,
  spelled: readonly string[],
): TemplateArguments | string {
  const thinks = effort !== "none";
  const level = levels.find((name) => variables.has(name));
  const onOff = switches.find((name) => variables.has(name));
  if (onOff !== undefined) return { [onOff]: thinks, ...(thinks && level !== undefined ? { [level]: effort } : {}) };
  if (level !== undefined) {
    const word = thinks ? effort : noLevels.find((none) => spelled.includes(none));
    return word === undefined ? "must not be none: the template cannot turn reasoning off" : { [level]: word };
  }
  if (variables.has("thinking_mode")) return { thinking_mode: thinks ? "enabled" : "disabled" };
  if (!variables.has("thinking_budget")) return "has no effect, because the template reads no such variable";
  return thinks ? "has no effect: give the template its templateArguments.thinking_budget" : { thinking_budget: 0 };
}
