/** From a caller's options to a prompt. */
import * as v from "valibot";
import type { PromptPiece } from "../chat/markers.js";
import { findTemplate } from "../chat/registry.js";
import { renderPieces, type RenderedPieces } from "../chat/render.js";
import { messagesSchema } from "../chat/schema.js";
import type { ChatMessage, Content, ImagePart, RenderedChat } from "../chat/types.js";
import type { EngineCore } from "../core.js";
import { argumentError } from "../errors.js";
import type { ImageSource } from "../images/load.js";
import {
  chatOptionsSchema,
  completeOptionsSchema,
  type ChatOptions,
  type CompleteOptions,
  type ResolvedGenerationOptions,
} from "../options/request-options.js";
import { grammarOf } from "../schema/grammar.js";
import { flag, object, text } from "../validation/fields.js";
import { parse } from "../validation/parse.js";

/** A request whose images are not loaded yet. */
export interface PreparedRequest {
  pieces: PromptPiece[];
  addSpecial: boolean;
  /** Those that the chat template adds. */
  stopStrings: readonly string[];
  /** GBNF; empty: none. */
  grammar: string;
  options: ResolvedGenerationOptions;
}

/** What Engine.chat sends. */
export function prepareChat(core: EngineCore, given: ChatOptions): PreparedRequest {
  const options = parse(chatOptionsSchema, given, "engine.chat");
  const messages = withImages(options.messages, options.images);
  const { pieces, stopStrings } = render(core, messages, options.chatTemplate, true);
  // Some templates write the BOS token themselves: it must not come twice.
  const addSpecial = !startsWith(pieces, core.info.bosToken);
  const grammar = grammarOf(options, "engine.chat");
  return { pieces, addSpecial, stopStrings, grammar, options };
}

/** What Engine.complete sends. */
export function prepareCompletion(given: CompleteOptions): PreparedRequest {
  const options = parse(completeOptionsSchema, given, "engine.complete");
  const { prompt, images, parseSpecial, addSpecial } = options;
  const pieces = [...imageParts(images), ...partsOf(prompt)]
    .filter((part) => part.type === "image" || part.text !== "")
    .map((part): PromptPiece => (part.type === "image" ? { image: part.image } : { text: part.text, parseSpecial }));
  if (pieces.length === 0) throw argumentError("engine.complete", "prompt", "must not be empty");
  const grammar = grammarOf(options, "engine.complete");
  return { pieces, addSpecial, stopStrings: [], grammar, options };
}

/** Options of {@link Engine.applyChatTemplate}. */
export interface ApplyChatTemplateOptions {
  /** A name or a Jinja template. Default: that of the engine. */
  chatTemplate?: string;
  /** Whether the prompt ends with the opening of the assistant's turn. Default true. */
  addGenerationPrompt?: boolean;
}

const applyOptionsSchema = object({
  chatTemplate: v.optional(text({ filled: true })),
  addGenerationPrompt: v.optional(flag(), true),
});

/** See Engine.applyChatTemplate. */
export function applyTemplate(
  core: EngineCore,
  given: readonly ChatMessage[],
  options: ApplyChatTemplateOptions,
): RenderedChat {
  const messages = parse(messagesSchema, given, "engine.applyChatTemplate: messages");
  const { chatTemplate, addGenerationPrompt } = parse(applyOptionsSchema, options, "engine.applyChatTemplate: options");
  const { pieces, stopStrings } = render(core, messages, chatTemplate, addGenerationPrompt);
  const prompt = pieces.map((piece) => ("image" in piece ? "<__media__>" : piece.text)).join("");
  return { prompt, stopStrings };
}

/** Images, each followed by a line break, and then a content. */
export function imagesFirst(images: readonly ImageSource[], content: Content): Content {
  const lines = imageParts(images).flatMap((part) => [part, { type: "text" as const, text: "\n" }]);
  return [...lines, ...partsOf(content)];
}

function render(
  core: EngineCore,
  messages: readonly ChatMessage[],
  chatTemplate: string | undefined,
  addGenerationPrompt: boolean,
): RenderedPieces {
  const { bosToken, eosToken } = core.info;
  const template = findTemplate(chatTemplate ?? core.chatTemplate);
  return renderPieces(template, messages, { addGenerationPrompt, bosToken, eosToken }, core.control);
}

function startsWith(pieces: readonly PromptPiece[], token: string): boolean {
  const first = pieces[0];
  return token !== "" && first !== undefined && "text" in first && first.text.startsWith(token);
}

/** The messages, with `images` before the text of the last one that the user says. */
function withImages(messages: readonly ChatMessage[], images: readonly ImageSource[]) {
  if (images.length === 0) return messages;
  const at = messages.map(({ role }) => role).lastIndexOf("user");
  if (at < 0) {
    throw argumentError("engine.chat", "images", "need a user message that they belong to");
  }
  return messages.map((message, i) =>
    i === at ? { ...message, content: imagesFirst(images, message.content) } : message,
  );
}

function partsOf(content: Content) {
  return typeof content === "string" ? [{ type: "text" as const, text: content }] : content;
}

function imageParts(images: readonly ImageSource[]): ImagePart[] {
  return images.map((image) => ({ type: "image", image }));
}
