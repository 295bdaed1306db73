/** From messages to a prompt. */
import * as v from "valibot";
import { parse } from "../validation/parse.js";
import type { ControlTokens } from "./control-tokens.js";
import { checkArguments, checkRoles, type TemplateDefinition } from "./definition.js";
import { checkTexts } from "./lost-text.js";
import { PromptMarkers, type PromptPiece } from "./markers.js";
import { findTemplate } from "./registry.js";
import { renderedSchema, renderOptionsSchema, textMessagesSchema } from "./schema.js";
import { refuseControlTokens } from "./template-arguments.js";
import type { ChatMessage, Content, RenderedChat, TemplateArguments, TemplateContext, TextMessage } from "./types.js";

/** Options of {@link renderChat}. */
export interface RenderChatOptions {
  /** Whether the prompt ends with the opening of the assistant's turn. Default true. */
  addGenerationPrompt?: boolean;
  /** See {@link ChatOptions.templateArguments}. Default none. */
  templateArguments?: TemplateArguments;
}

/**
 * Renders a conversation without a model. The templates that are written here, such as `"vicuna"`, `"chatml"`,
 * `"llama2"` or `"meditron"`, and Jinja need not even the native addon.
 *
 * @param template a name (registered, ours or one of llama.cpp's) or a Jinja template
 * @param messages the turns; content is text
 * @returns the prompt, without a BOS token, and the template's stop strings
 * @throws MedInferError `INVALID_ARGUMENT` for an unknown template, or messages that it cannot render
 *
 * @example
 * renderChat("vicuna", [{ role: "user", content: "Hi" }]).prompt; // "USER: Hi\nASSISTANT:"
 */
export function renderChat(
  template: string,
  messages: readonly TextMessage[],
  options: RenderChatOptions = {},
): RenderedChat {
  const name = parse(v.string("template must be a string"), template, "renderChat");
  const turns = parse(textMessagesSchema, messages, "renderChat: messages");
  const given = parse(renderOptionsSchema, options, "renderChat: options");
  return apply(findTemplate(name), turns, { ...given, bosToken: "", eosToken: "", padToken: "" });
}

/** A conversation with images, ready to be loaded and sent. */
export interface RenderedPieces {
  pieces: PromptPiece[];
  stopStrings: string[];
}

/** Renders a conversation whose messages may hold images and texts that look like control tokens. */
export function renderPieces(
  template: TemplateDefinition,
  messages: readonly ChatMessage[],
  context: TemplateContext,
  control: ControlTokens,
): RenderedPieces {
  refuseControlTokens(template.name, context.templateArguments, control);
  const placed = messages.map(({ role, content }) => ({ role, content: place(content, template.images) }));
  const render = (edges: boolean) => {
    const markers = new PromptMarkers();
    const turns = placed.map(({ role, content }) => ({ role, content: markers.flatten(content, control, edges) }));
    return { markers, ...apply(template, turns, context, !edges) };
  };
  let rendered = render(false);
  if (placed.some(({ content }) => control.mayJoin(textOf(content)))) {
    // A template that cuts or replaces inside a text, or puts its own beside it, could make a control token of what was
    // none. With the edges of such tokens marked it cannot: where fewer come out, the others had been made so.
    const guarded = render(true);
    const count = ({ markers, prompt }: typeof rendered) => control.countIn(markers.textsAround(prompt));
    if (count(rendered) > count(guarded)) rendered = guarded;
  }
  return { pieces: rendered.markers.split(rendered.prompt), stopStrings: rendered.stopStrings };
}

function textOf(content: Content): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** The content with its images where the template wants them. */
function place(content: Content, placement: TemplateDefinition["images"]): Content {
  if (placement === "in-place" || typeof content === "string") return content;
  const images = content.filter((part) => part.type === "image");
  const texts = content.filter((part) => part.type === "text");
  return [...images.flatMap((image) => [image, { type: "text" as const, text: "\n" }]), ...texts];
}

/** @param check whether the prompt has to hold every message's text */
function apply(
  template: TemplateDefinition,
  messages: readonly TextMessage[],
  context: TemplateContext,
  check = true,
): RenderedChat {
  checkRoles(template, messages);
  checkArguments(template, context.templateArguments);
  const rendered: unknown = template.render(messages, context);
  const { prompt, stopStrings } = parse(renderedSchema, rendered, `the chat template "${template.name}"`);
  if (check) checkTexts(template, messages, context, prompt);
  return { prompt, stopStrings: [...new Set([...template.stopStrings, ...stopStrings])] };
}
