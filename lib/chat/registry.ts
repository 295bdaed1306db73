/** Chat templates by name: those that were registered, then llama.cpp's built-in ones. */
import { argumentError } from "../errors.js";
import { nearest } from "../validation/nearest.js";
import { builtinChatTemplates, builtinTemplate } from "./builtin.js";
import { isJinja, jinjaTemplate } from "./jinja.js";
import type { ChatTemplateFunction } from "./types.js";

const registered = new Map<string, ChatTemplateFunction>();

/**
 * Gives a chat template a name, to be used wherever a `chatTemplate` is asked for. A name that is taken is replaced,
 * a built-in one included.
 *
 * @param name letters, digits, `.`, `_` and `-`
 * @param template a Jinja template, or a function from messages to the prompt
 * @throws MedInferError `INVALID_ARGUMENT` where the name or the template is not valid
 *
 * @example
 * registerChatTemplate("plain", (messages) => messages.map((m) => `${m.role}: ${m.content}\n`).join("") + "assistant:");
 */
export function registerChatTemplate(name: string, template: string | ChatTemplateFunction): void {
  const call = "registerChatTemplate";
  if (typeof name !== "string" || !/^[\w.-]{1,64}$/.test(name)) {
    throw argumentError(call, "name", "must be 1 to 64 letters, digits, dots, dashes or underscores");
  }
  if (typeof template === "function") registered.set(name, template);
  else if (typeof template === "string") registered.set(name, jinjaTemplate(template));
  else throw argumentError(call, "template", "must be a Jinja string or a function");
}

/**
 * The template that a `chatTemplate` option means: a name, or the text of a Jinja template.
 *
 * @throws MedInferError `INVALID_ARGUMENT` where it is neither
 */
export function findTemplate(spec: string): ChatTemplateFunction {
  const own = registered.get(spec);
  if (own !== undefined) return own;
  if (isJinja(spec)) return jinjaTemplate(spec);
  const builtin = builtinChatTemplates();
  if (builtin.includes(spec)) return builtinTemplate(spec);
  const near = nearest(spec, [...registered.keys(), ...builtin]);
  throw argumentError(
    "chatTemplate",
    "",
    `is neither a known name nor a Jinja template${near === undefined ? "" : `: did you mean "${near}"?`}`,
  );
}
