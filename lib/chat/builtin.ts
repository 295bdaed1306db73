/** llama.cpp's own chat templates, by name. */
import { randomUUID } from "node:crypto";
import { loadAddon } from "../native/addon.js";
import { withoutEmptySystem, type RenderTurns } from "./definition.js";
import type { TemplateTurn } from "./template-turn.js";

let names: readonly string[] | undefined;

/** Names of llama.cpp's own chat templates, e.g. `"zephyr"`. */
export function builtinChatTemplates(): readonly string[] {
  names ??= Object.freeze(loadAddon().builtinChatTemplates());
  return names;
}

/** A built-in template as a function. REQUIRES: `name` is one of {@link builtinChatTemplates}. */
export function builtinTemplate(name: string): RenderTurns {
  return (messages, { addGenerationPrompt }) => {
    return apply(name, withoutEmptySystem(messages), addGenerationPrompt);
  };
}

const withSystem = new Map<string, boolean>();

/** Whether a built-in template writes system messages: found by trying. REQUIRES: as builtinTemplate(). */
export function builtinHasSystem(name: string): boolean {
  const turns = [
    { role: "system", content: "probe0system" },
    { role: "user", content: "probe0content" },
  ];
  const known = withSystem.get(name) ?? apply(name, turns, true).includes("probe0system");
  withSystem.set(name, known);
  return known;
}

function apply(name: string, messages: readonly TemplateTurn[], addGenerationPrompt: boolean): string {
  // llama.cpp's templates work on C strings: a NUL would end the message.
  const nul = messages.some(({ content }) => content.includes("\0")) ? randomUUID() : undefined;
  const turns = messages.map(({ role, content }) => ({
    role,
    content: nul === undefined ? content : content.replaceAll("\0", nul),
  }));
  const prompt = loadAddon().applyBuiltinChatTemplate(name, turns, addGenerationPrompt);
  return nul === undefined ? prompt : prompt.replaceAll(nul, "\0");
}
