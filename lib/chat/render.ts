/** From messages to a prompt. */
import * as v from "valibot";
import { parse } from "../validation/parse.js";
import type { ControlTokens } from "./control-tokens.js";
import { PromptMarkers, type PromptPiece } from "./markers.js";
import { findTemplate } from "./registry.js";
import { renderOptionsSchema, textMessagesSchema } from "./schema.js";
import type { ChatMessage, ChatTemplateFunction, RenderedChat, TemplateContext, TextMessage } from "./types.js";

/** Options of {@link renderChat}. */
export interface RenderChatOptions {
  /** Whether the prompt ends with the opening of the assistant's turn. Default true. */
  addGenerationPrompt?: boolean;
}

/**
 * Renders a conversation without a model.
 *
 * @param template a name (registered or one of llama.cpp's built-in ones, such as `"vicuna"`) or a Jinja template
 * @param messages the turns; content is text
 * @returns the prompt, without a BOS token, and the template's stop strings
 * @throws MedInferError `INVALID_ARGUMENT` for an unknown template, or messages that it can not render
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
  const { addGenerationPrompt } = parse(renderOptionsSchema, options, "renderChat: options");
  return apply(findTemplate(name), turns, { addGenerationPrompt, bosToken: "", eosToken: "" });
}

/** A conversation with images, ready to be loaded and sent. */
export interface RenderedPieces {
  pieces: PromptPiece[];
  stopStrings: string[];
}

/** Renders a conversation whose messages may hold images and texts that look like control tokens. */
export function renderPieces(
  template: ChatTemplateFunction,
  messages: readonly ChatMessage[],
  context: TemplateContext,
  control: ControlTokens,
): RenderedPieces {
  const markers = new PromptMarkers();
  const turns = messages.map(({ role, content }) => ({
    role,
    content: markers.flatten(content, control),
  }));
  const { prompt, stopStrings } = apply(template, turns, context);
  return { pieces: markers.split(prompt), stopStrings };
}

function apply(
  template: ChatTemplateFunction,
  messages: readonly TextMessage[],
  context: TemplateContext,
): RenderedChat {
  const rendered = template(messages, context);
  return typeof rendered === "string" ? { prompt: rendered, stopStrings: [] } : rendered;
}
