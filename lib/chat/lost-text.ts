/** Refuses prompts that lack what a message says, and roles that a template takes for another. */
import { argumentError } from "../errors.js";
import { unknownRole, type TemplateDefinition } from "./definition.js";
import { firstLost } from "./kept-texts.js";
import type { TemplateContext, TextMessage } from "./types.js";

/** The roles that every template is made for. */
const usual = ["system", "user", "assistant"];

/** What some models' makers call the assistant. */
const assistants = new Set(["assistant", "model", "ai", "bot", "gpt"]);

/**
 * @param prompt what the template made of the messages
 * @throws MedInferError `INVALID_ARGUMENT` that names the role whose text is lost, or taken for the assistant's
 */
export function checkTexts(
  template: TemplateDefinition,
  messages: readonly TextMessage[],
  context: TemplateContext,
  prompt: string,
): void {
  if (template.literals === undefined) return;
  const { literals } = template;
  const render = (turns: readonly TextMessage[]) => {
    const rendered = template.render(turns, context);
    return typeof rendered === "string" ? rendered : rendered.prompt;
  };
  const lost = firstLost(messages, prompt, render, literals);
  const tryAs = (as: (message: TextMessage, i: number) => string) => {
    const turns = messages.map((message, i) => ({ role: as(message, i), content: message.content }));
    try {
      return { turns, prompt: render(turns) };
    } catch {
      return undefined;
    }
  };
  if (lost >= 0) {
    const keeps = (role: string) => {
      const other = tryAs((message, i) => (i === lost ? role : message.role));
      return other !== undefined && firstLost(other.turns, other.prompt, render, literals) !== lost;
    };
    throw lostText(template.name, messages, lost, keeps);
  }
  for (const role of new Set(messages.map((message) => message.role))) {
    if (usual.includes(role) || assistants.has(role)) continue;
    const as = (other: string) => tryAs((message) => (message.role === role ? other : message.role))?.prompt;
    if (prompt === as("assistant") && prompt !== as("user")) throw unknownRole(role, template.name, usual);
  }
}

function lostText(template: string, messages: readonly TextMessage[], lost: number, keeps: (role: string) => boolean) {
  const { role } = messages[lost]!;
  const others = ["system", "user"].filter((other) => other !== role && keeps(other));
  const advice =
    others.length > 0
      ? `give it the role ${others.map((other) => `"${other}"`).join(" or ")}`
      : "put it into another message";
  return argumentError(
    "messages",
    `[${lost}]`,
    `has the role "${role}", and the chat template "${template}" leaves out its text, or a part of it: ${advice}`,
  );
}
