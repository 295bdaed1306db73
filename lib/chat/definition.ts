/** What a chat template is, beside the function that writes it. */
import { argumentError, placeError } from "../errors.js";
import { excerpt } from "../excerpt.js";
import type { Literals } from "./jinja/literals.js";
import { nearest } from "../validation/nearest.js";
import type { TemplateTurn } from "./template-turn.js";
import type { ChatTemplateFunction, TemplateArguments, TemplateContext } from "./types.js";

/** Where a message's images stand: where its content has them, or before its text, each followed by a line break. */
export type ImagePlacement = "in-place" | "before-text";

/** A template as a function of turns. */
export type RenderTurns = (
  turns: readonly TemplateTurn[],
  context: TemplateContext,
) => ReturnType<ChatTemplateFunction>;

/** A chat template with what it brings along. */
export interface TemplateDefinition {
  readonly name: string;
  readonly render: RenderTurns;
  /** Jinja, where it is that: answers are read as it writes them. */
  readonly source?: string;
  /** Texts at which generation ends, beside those of the request. */
  readonly stopStrings: readonly string[];
  /** The roles that it knows; undefined: it looks after them itself. */
  readonly roles?: readonly string[];
  /** The roles that ask; images with no place of their own go to the last message of one. */
  readonly userRoles: readonly string[];
  readonly images: ImagePlacement;
  /** The variables that a request may give; undefined: none; "any": the template looks after them itself. */
  readonly variables?: ReadonlySet<string> | "any";
  /**
   * The texts that the template spells, where prompts are checked to hold all that their messages say. Undefined: it looks
   * after that itself.
   */
  readonly literals?: Literals;
  /** Whether the prompt begins with the BOS token; undefined: see what was written. */
  readonly writesBos?: boolean;
  /** Whether it writes tools, calls and results in a form of its own, or as text of messages: see generic-tools.ts. */
  readonly tools: "own" | "generic";
  /** With tools of its own: as what it takes the arguments of calls. Default `"text"`: JSON. */
  readonly callArguments?: "text" | "value";
  /** With tools of its own: whether a message may hold several calls. Default true. */
  readonly parallelCalls?: boolean;
  /** With tools of its own: whether it writes what the assistant says beside its calls. Default true. */
  readonly proseBesideCalls?: boolean;
  /** With tools of its own: whether a result may hold images. Default false. */
  readonly imagesInResults?: boolean;
  /** Whether it has system messages. Default true. */
  readonly hasSystem?: boolean;
}

/** A definition of which nothing is known but the function. */
export function plainDefinition(name: string, render: RenderTurns): TemplateDefinition {
  return { name, render, stopStrings: [], userRoles: ["user"], images: "in-place", tools: "generic" };
}

/** A role that the template does not know would be lost, or taken for another. */
export function checkRoles({ name, roles }: TemplateDefinition, messages: readonly TemplateTurn[]): void {
  if (roles === undefined) return;
  const unknown = messages.find(({ role }) => !roles.includes(role));
  if (unknown !== undefined) throw unknownRole(unknown.role, name, roles);
}

/** A variable that the template does not read would be ignored without a word. */
export function checkArguments({ name, variables = new Set() }: TemplateDefinition, given: TemplateArguments): void {
  if (variables === "any") return;
  const unread = Object.keys(given).find((key) => !variables.has(key));
  if (unread === undefined) return;
  const near = nearest(unread, [...variables]);
  const hint = near === undefined ? "leave it out" : `did you mean ${excerpt(near, 40)}?`;
  const why = variables.size === 0 ? "has no variables" : "reads no variable of this name";
  throw argumentError(
    `the chat template "${name}"`,
    `templateArguments.${unread}`,
    `has no effect, because the template ${why}: ${hint}`,
  );
}

/** The error for a role that a template does not know. */
export function unknownRole(role: string, template: string, known: readonly string[]) {
  const last = known.at(-1) ?? "";
  const list = known.length > 1 ? `${known.slice(0, -1).join(", ")} or ${last}` : last;
  return placeError(
    "messages",
    "",
    `hold the role "${excerpt(role, 40)}", which the chat template "${template}" does not know: use ${excerpt(list)}`,
  );
}

/** The messages without empty system messages, which would still leave their separators in the prompt. */
export function withoutEmptySystem<T extends Pick<TemplateTurn, "role" | "content">>(
  messages: readonly T[],
): readonly T[] {
  return messages.filter(({ role, content }) => role !== "system" || content !== "");
}
