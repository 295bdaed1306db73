/** Refuses prompts that lack what a message says, and roles that a template takes for another. */
import { placeError } from "../errors.js";
import { unknownRole, type TemplateDefinition } from "./definition.js";
import { firstLostOfCalls } from "./kept-calls.js";
import { firstLost, type Render } from "./kept-texts.js";
import type { TemplateTurn, TextPlace } from "./template-turn.js";
import type { ResolvedTool } from "./tool-schema.js";

/** The roles that every template is made for. */
const usual = ["system", "user", "assistant"];

/** What some models' makers call the assistant. */
const assistants = new Set(["assistant", "model", "ai", "bot", "gpt"]);

/**
 * @param prompt what `render` made of the turns
 * @param continues whether the last turn is to be continued: then its reasoning is not that of an earlier one
 * @throws MedInferError `INVALID_ARGUMENT` that names what is lost, or the role that is taken for the assistant's
 */
export function checkTexts(
  template: TemplateDefinition,
  turns: readonly TemplateTurn[],
  tools: readonly ResolvedTool[],
  prompt: string,
  render: Render,
  continues: boolean,
): void {
  if (template.literals === undefined) return;
  const { literals } = template;
  const lostIn = (given: readonly TemplateTurn[], written: string) =>
    firstLost(given, written, render, literals, continues) ?? firstLostOfCalls(given, written, render);
  const lost = lostIn(turns, prompt);
  const tryAs = (as: (turn: TemplateTurn, i: number) => string) => {
    const others = turns.map((turn, i) => ({ ...turn, role: as(turn, i) }));
    try {
      return { turns: others, prompt: render(others) };
    } catch {
      return undefined;
    }
  };
  if (lost !== undefined) {
    const keeps = (role: string) => {
      const other = tryAs((turn, i) => (i === lost.turn ? role : turn.role));
      return other !== undefined && lostIn(other.turns, other.prompt)?.turn !== lost.turn;
    };
    throw lostText(template.name, turns, lost, keeps);
  }
  checkTools(template.name, tools, prompt);
  for (const role of new Set(turns.map((turn) => turn.role))) {
    if (usual.includes(role) || assistants.has(role)) continue;
    const as = (other: string) => tryAs((turn) => (turn.role === role ? other : turn.role))?.prompt;
    if (prompt === as("assistant") && prompt !== as("user")) throw unknownRole(role, template.name, usual);
  }
}

/**
 * Names and descriptions are in every form of tools, escaped or cut into lines; of parameters some forms tell less than
 * others.
 */
function checkTools(template: string, tools: readonly ResolvedTool[], prompt: string): void {
  tools.forEach(({ name, description = "" }, i) => {
    const words = description.match(/[A-Za-z0-9]+/g) ?? [];
    const isThere = prompt.includes(name) && words.every((word) => prompt.includes(word));
    if (!isThere)
      throw placeError("tools", `[${i}]`, `is left out by the chat template "${template}", or a part of it`);
  });
}

function lostText(template: string, turns: readonly TemplateTurn[], lost: TextPlace, keeps: (role: string) => boolean) {
  const { role, calls } = turns[lost.turn]!;
  const at = `[${lost.turn}]`;
  if (lost.call !== undefined) {
    const what = `is a call that the chat template "${template}" leaves out, or a part of it`;
    const advice = lost.call > 0 ? "it may know one call for each message" : "it may not know such arguments";
    return placeError("messages", `${at}.toolCalls[${lost.call}]`, `${what}: ${advice}`);
  }
  if (lost.part === "reasoning") {
    const why = `is left out by the chat template "${template}", or a part of it: continue the message without`;
    return placeError("messages", `${at}.reasoning`, why);
  }
  const others = ["system", "user"].filter((other) => other !== role && keeps(other));
  const advice =
    calls !== undefined
      ? "leave out what is said beside the calls"
      : others.length > 0
        ? `give it the role ${others.map((other) => `"${other}"`).join(" or ")}`
        : "put it into another message";
  return placeError(
    "messages",
    at,
    `has the role "${role}", and the chat template "${template}" leaves out its text, or a part of it: ${advice}`,
  );
}
