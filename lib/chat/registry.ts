/** Chat templates by name: those that were registered, then ours, then llama.cpp's built-in ones. */
import * as v from "valibot";
import { argumentError } from "../errors.js";
import { list, object, oneOf, text } from "../validation/fields.js";
import { nearest } from "../validation/nearest.js";
import { parse } from "../validation/parse.js";
import { builtinChatTemplates, builtinHasSystem, builtinTemplate } from "./builtin.js";
import { plainDefinition, type ImagePlacement, type RenderTurns, type TemplateDefinition } from "./definition.js";
import { noLiterals } from "./jinja/literals.js";
import { isJinja, jinjaTemplate } from "./jinja.js";
import { roleSchema } from "./schema.js";
import { toMessage } from "./template-turn.js";
import { ownTemplates } from "./templates/own.js";
import type { ChatTemplateFunction } from "./types.js";

/** Options of {@link registerChatTemplate}. All are optional. */
export interface ChatTemplateOptions {
  /** Texts at which generation ends, beside those of the request and those that the function returns. Default none. */
  stopStrings?: readonly string[];
  /** The roles that it knows; others are refused by name. Default: any role is passed on to the template. */
  roles?: readonly string[];
  /**
   * `"in-place"`: images stand where a message's content has them. `"before-text"`: they are moved before the message's
   * text, each followed by a line break, for models that were trained so. Default `"in-place"`.
   */
  images?: ImagePlacement;
  /**
   * Of a function. `"own"`: it writes tools itself; it finds them in its context, and calls and results in the messages.
   * `"generic"`: they stand as text in ordinary messages. Default `"generic"`; of a Jinja template it is found by trying.
   */
  tools?: "own" | "generic";
}

/** Checks {@link ChatTemplateOptions}. */
export const chatTemplateOptionsSchema = object({
  stopStrings: v.optional(list(text({ filled: true }), "texts"), () => []),
  roles: v.optional(list(roleSchema, "roles", true)),
  images: v.optional(oneOf(["in-place", "before-text"]), "in-place"),
  tools: v.optional(oneOf(["own", "generic"])),
}) satisfies v.GenericSchema<ChatTemplateOptions, unknown>;

const registered = new Map<string, TemplateDefinition>();

/**
 * Gives a chat template a name, to be used wherever a `chatTemplate` is asked for. A name that is taken is replaced,
 * a built-in one included.
 *
 * @param name letters, digits, `.`, `_` and `-`
 * @param template a Jinja template, or a function from messages to the prompt
 * @throws MedInferError `INVALID_ARGUMENT` where the name, the template or the options are not valid
 *
 * @example
 * registerChatTemplate("plain", (messages) => messages.map((m) => `${m.role}: ${m.content}\n`).join("") + "assistant:", {
 *   stopStrings: ["user:"],
 * });
 */
export function registerChatTemplate(
  name: string,
  template: string | ChatTemplateFunction,
  options: ChatTemplateOptions = {},
): void {
  const call = "registerChatTemplate";
  if (typeof name !== "string" || !/^[\w.-]{1,64}$/.test(name)) {
    throw argumentError(call, "name", "must be 1 to 64 letters, digits, dots, dashes or underscores");
  }
  if (typeof template !== "function" && typeof template !== "string") {
    throw argumentError(call, "template", "must be a Jinja string or a function");
  }
  const { tools, ...resolved } = parse(chatTemplateOptionsSchema, options, `${call}: options`);
  if (typeof template === "string") {
    if (tools !== undefined) {
      throw argumentError(call, "options.tools", "is for functions: leave it out, a Jinja template is tried");
    }
    const made = jinjaTemplate(template);
    registered.set(name, { ...plainDefinition(name, made.render), ...made, ...resolved });
    return;
  }
  const render: RenderTurns = (turns, context) => template(turns.map(toMessage), context);
  const isOwn = tools === "own";
  registered.set(name, {
    ...plainDefinition(name, render),
    ...resolved,
    variables: "any",
    tools: isOwn ? "own" : "generic",
    imagesInResults: isOwn,
    hasSystem: resolved.roles?.includes("system") ?? true,
  });
}

/**
 * The template that a `chatTemplate` option means: a name, or the text of a Jinja template.
 *
 * @throws MedInferError `INVALID_ARGUMENT` where it is neither
 */
export function findTemplate(spec: string): TemplateDefinition {
  const known = registered.get(spec) ?? ownTemplates.get(spec);
  if (known !== undefined) return known;
  if (isJinja(spec)) {
    const made = jinjaTemplate(spec);
    return { ...plainDefinition("(Jinja)", made.render), ...made };
  }
  const builtin = builtinChatTemplates();
  if (builtin.includes(spec)) {
    const definition = plainDefinition(spec, builtinTemplate(spec));
    return { ...definition, literals: noLiterals, hasSystem: builtinHasSystem(spec) };
  }
  const near = nearest(spec, [...registered.keys(), ...ownTemplates.keys(), ...builtin]);
  throw argumentError(
    "chatTemplate",
    "",
    `is neither a known name nor a Jinja template${near === undefined ? "" : `: did you mean "${near}"?`}`,
  );
}
