/** From resolved options to a prompt. `call` is everywhere what the user called, as messages name it. */
import { types } from "node:util";
import * as v from "valibot";
import type { TemplateDefinition } from "../chat/definition.js";
import { isLimitedImage } from "../chat/limited-image.js";
import { imagePiece, joinTexts, type PromptPiece } from "../chat/markers.js";
import { findTemplate } from "../chat/registry.js";
import { renderPieces, type RenderedPieces, type RenderingOptions, type RenderRequest } from "../chat/render.js";
import { messagesSchema, renderOptionsSchema } from "../chat/schema.js";
import type { ChatMessage, Content, ImageInput, ImagePart, RenderedChat, ResolvedMessage } from "../chat/types.js";
import type { EngineCore } from "../core.js";
import { argumentError } from "../errors.js";
import type { CompletionsWanted } from "../generation/completions.js";
import type { StateId } from "../native/types.js";
import type {
  ResolvedChatOptions,
  ResolvedCompleteOptions,
  ResolvedGenerationOptions,
} from "../options/request-options.js";
import { grammarOf } from "../schema/grammar.js";
import { object, text } from "../validation/fields.js";
import { parse } from "../validation/parse.js";
import { withReadableCalls } from "../tools/turn-format.js";
import { planChat, planOf, type AnswerPlan } from "./answer-plan.js";
import type { Shortening } from "./fit-context.js";
import type { ImagePlaces } from "./image-places.js";
import { infillPieces, isInfill } from "./infill.js";
import type { RenderedPrompt } from "./rendered-prompt.js";
import { Turns } from "./turns.js";

/** An image, where a prompt is shown as text. */
const IMAGE_TEXT = "<__media__>";

/** A request whose images are not loaded yet. */
export interface PreparedRequest extends RenderedPrompt {
  /** What the user called, as messages name it, e.g. `"engine.chat"`. */
  call: string;
  plan: AnswerPlan;
  options: ResolvedGenerationOptions;
  choices: CompletionsWanted;
  /** Of a session: what the engine has kept of it. */
  base?: StateId;
  /** Where old turns may be left out, and which were. */
  shortening?: Shortening | undefined;
  droppedTurns?: number | undefined;
  /** Where its images stand in what the caller has passed, where that is known. */
  imagePlaces?: ImagePlaces;
  /** What the result's text begins with. */
  echo?: string | undefined;
}

/**
 * What a chat sends.
 *
 * @param grammar that of the options, where the caller has it
 */
export function prepareChat(
  core: EngineCore,
  call: string,
  options: ResolvedChatOptions,
  grammar: string = grammarOf(options, call),
): PreparedRequest {
  const choices = choicesOf(options, call);
  const chosen = options.useChatTemplate ? chooseTemplate(core, options.chatTemplate, call) : undefined;
  const { bosToken, eosToken } = core.info;
  const isWithTools = options.tools.length > 0 || options.messages.some(({ toolCalls }) => toolCalls !== undefined);
  const template = chosen && isWithTools ? withReadableCalls(chosen, bosToken, eosToken) : chosen;
  if (template === undefined) refuseTemplateOptions(call, options);
  const userRoles = template?.userRoles ?? ["user"];
  const messages = withImages(call, options, userRoles);
  const write = (turns: readonly ResolvedMessage[]) =>
    template === undefined ? writeUntemplated(call, turns) : writeTemplated(core, template, turns, options);
  const prompt = write(messages);
  const plan =
    template === undefined
      ? planOf(options, grammar, prompt.pieces)
      : planChat(core, call, options, grammar, {
          template,
          pieces: prompt.pieces,
          prefill: prompt.prefill ?? "",
          writeBefore: () => writeBeforeTurn(core, template, messages, options),
        });
  const request = { call, ...prompt, plan, options, choices };
  if (options.onContextFull === "stop") return request;
  const turns = new Turns(messages, userRoles);
  const render = (dropped: number) => write(turns.without(dropped));
  return { ...request, shortening: { droppable: Math.max(turns.count - 1, 0), render } };
}

function writeTemplated(
  core: EngineCore,
  template: TemplateDefinition,
  messages: readonly ResolvedMessage[],
  { templateArguments, tools, reasoningEffort, continueFinalMessage }: ResolvedChatOptions,
): RenderedPrompt {
  const given = { templateArguments, tools, reasoningEffort, continueFinalMessage };
  const { pieces, stopStrings, prefill } = render(core, template, messages, given);
  // A template may write the BOS token itself: it must not come twice.
  const addSpecial = !(template.writesBos ?? startsWith(pieces, core.info.bosToken));
  return { pieces, addSpecial, stopStrings, prefill };
}

/** The prompt without the beginning of the model's turn. */
function writeBeforeTurn(
  core: EngineCore,
  template: TemplateDefinition,
  messages: readonly ResolvedMessage[],
  { templateArguments, tools, reasoningEffort, continueFinalMessage }: ResolvedChatOptions,
): readonly PromptPiece[] {
  const before = continueFinalMessage ? messages.slice(0, -1) : messages;
  if (before.length === 0) return [];
  const given = { templateArguments, tools, reasoningEffort, continueFinalMessage: false, addGenerationPrompt: false };
  return render(core, template, before, given).pieces;
}

/** The contents as they are. Spark NLP sends its prompt so; here there may be several. */
function writeUntemplated(call: string, messages: readonly ResolvedMessage[]): RenderedPrompt {
  const unwritten = messages.findIndex(({ toolCalls, reasoning, role }) => toolCalls || reasoning || role === "tool");
  if (unwritten >= 0) throw lostWithoutTemplate(call, `messages[${unwritten}]`);
  const lineBreak = { type: "text" as const, text: "\n" };
  const contents = messages.map(({ content }) => joinTexts(partsOf(content))).filter((parts) => parts.length > 0);
  const lines = contents.flatMap((parts, i) => (i === 0 ? parts : [lineBreak, ...parts]));
  const pieces = joinTexts(lines).map((part): PromptPiece =>
    part.type === "image" ? imagePiece(part) : { text: part.text, parseSpecial: false },
  );
  if (pieces.length === 0) throw argumentError(call, "messages", "must not all be empty");
  return { pieces, addSpecial: true, stopStrings: [] };
}

/** What a chat template alone can use must not be lost in silence without one. */
export function refuseTemplateOptions(
  call: string,
  options: Pick<ResolvedChatOptions, "chatTemplate" | "templateArguments"> &
    Partial<Pick<ResolvedChatOptions, "tools" | "reasoningEffort" | "continueFinalMessage">>,
): void {
  const [argument] = Object.keys(options.templateArguments);
  const { chatTemplate, tools = [], reasoningEffort, continueFinalMessage = false } = options;
  const given = {
    chatTemplate: chatTemplate !== undefined,
    [`templateArguments.${argument}`]: argument !== undefined,
    tools: tools.length > 0,
    reasoningEffort: reasoningEffort !== undefined,
    continueFinalMessage,
  };
  const path = Object.entries(given).find(([, isGiven]) => isGiven)?.[0];
  if (path !== undefined) throw lostWithoutTemplate(call, path);
}

/** The error for an option that a chat template alone can use, where there is none. */
export function lostWithoutTemplate(call: string, path: string) {
  return argumentError(call, path, "has no effect with useChatTemplate: false: leave one of them out");
}

/** What a completion sends. */
export function prepareCompletion(core: EngineCore, call: string, options: ResolvedCompleteOptions): PreparedRequest {
  const pieces = isInfill(options) ? infillPieces(core, call, options) : completionPieces(call, options);
  const plan = planOf(options, grammarOf(options, call), pieces);
  const choices = choicesOf(options, call);
  const echo = options.echo ? textOf(core, pieces) : undefined;
  const { addSpecial } = options;
  return { call, pieces, addSpecial, stopStrings: [], plan, options, choices, echo };
}

function completionPieces(call: string, options: ResolvedCompleteOptions): PromptPiece[] {
  const { prompt, images, parseSpecial, suffixFirst } = options;
  if (suffixFirst !== undefined) {
    throw argumentError(call, "suffixFirst", "has no effect without inputPrefix or inputSuffix: leave it out");
  }
  if (prompt === undefined) throw argumentError(call, "prompt", "is missing");
  const pieces = types.isInt32Array(prompt)
    ? [...imageParts(images).map(imagePiece), ...(prompt.length > 0 ? [{ tokens: prompt }] : [])]
    : [...imageParts(images), ...partsOf(prompt)]
        .filter((part) => part.type === "image" || part.text !== "")
        .map((part): PromptPiece => (part.type === "image" ? imagePiece(part) : { text: part.text, parseSpecial }));
  if (pieces.length === 0) throw argumentError(call, "prompt", "must not be empty");
  return pieces;
}

/** A prompt as text, without the BOS token that the vocabulary adds. */
function textOf(core: EngineCore, pieces: readonly PromptPiece[]): string {
  return pieces
    .map((piece) => {
      if ("image" in piece) return IMAGE_TEXT;
      return "text" in piece ? piece.text : core.native.detokenize(piece.tokens, true);
    })
    .join("");
}

function choicesOf({ n, bestOf }: CompletionsWanted, call: string): CompletionsWanted {
  if (bestOf !== undefined && bestOf < n)
    throw argumentError(call, "bestOf", `must be n (${n}) or more (got ${bestOf})`);
  return { n, bestOf };
}

/** Options of {@link Engine.applyChatTemplate}. */
export interface ApplyChatTemplateOptions extends RenderingOptions {
  /** A name or a Jinja template. Default: that of the engine. */
  chatTemplate?: string;
}

/** Checks {@link ApplyChatTemplateOptions}. */
export const applyOptionsSchema = object({
  chatTemplate: v.optional(text({ filled: true })),
  ...renderOptionsSchema.entries,
});

/** See Engine.applyChatTemplate. */
export function applyTemplate(
  core: EngineCore,
  said: readonly ChatMessage[],
  options: ApplyChatTemplateOptions,
): RenderedChat {
  const messages = parse(messagesSchema, said, "engine.applyChatTemplate: messages");
  const { chatTemplate, ...given } = parse(applyOptionsSchema, options, "engine.applyChatTemplate: options");
  const template = chooseTemplate(core, chatTemplate, "engine.applyChatTemplate");
  const { pieces, stopStrings, prefill } = render(core, template, messages, given);
  return { prompt: textOf(core, pieces), stopStrings, ...(prefill === undefined ? {} : { prefill }) };
}

/** Images, each followed by a line break, and then a content. */
export function imagesFirst(images: readonly ImageInput[], content: Content): Content {
  const lines = imageParts(images).flatMap((part) => [part, { type: "text" as const, text: "\n" }]);
  return [...lines, ...partsOf(content)];
}

/**
 * The template that was asked for, or else that of the engine with the stop strings that the model needs with it. A model
 * without one gets no default: with a template that it was not trained with it answers, and then continues as the user.
 *
 * @throws MedInferError `INVALID_ARGUMENT` where there is neither
 */
export function chooseTemplate(core: EngineCore, asked: string | undefined, call: string): TemplateDefinition {
  if (asked !== undefined) return findTemplate(asked);
  if (core.chatTemplate === undefined) {
    throw argumentError(
      call,
      "chatTemplate",
      "is needed: the model's file has no chat template. Name the one that the model was trained with, here or for " +
        'Engine.load, e.g. "chatml"; a model that was not trained to chat takes engine.complete',
    );
  }
  const template = findTemplate(core.chatTemplate);
  return { ...template, stopStrings: [...template.stopStrings, ...core.stopStrings] };
}

function render(
  core: EngineCore,
  template: TemplateDefinition,
  messages: readonly ResolvedMessage[],
  given: Omit<RenderRequest, "bosToken" | "eosToken" | "padToken">,
): RenderedPieces {
  const { bosToken, eosToken, padToken } = core.info;
  return renderPieces(template, messages, { ...given, bosToken, eosToken, padToken }, core.control);
}

function startsWith(pieces: readonly PromptPiece[], token: string): boolean {
  const first = pieces[0];
  return token !== "" && first !== undefined && "text" in first && first.parseSpecial && first.text.startsWith(token);
}

/** The messages, with `images` before the text of the last one of the user. */
function withImages(call: string, { messages, images }: ResolvedChatOptions, userRoles: readonly string[]) {
  if (images.length === 0) return messages;
  const at = messages.findLastIndex(({ role }) => userRoles.includes(role));
  if (at < 0) {
    throw argumentError(call, "images", "need a user message that they belong to");
  }
  return messages.map((message, i) =>
    i === at ? { ...message, content: imagesFirst(images, message.content) } : message,
  );
}

function partsOf(content: Content) {
  return typeof content === "string" ? [{ type: "text" as const, text: content }] : content;
}

function imageParts(images: readonly ImageInput[]): ImagePart[] {
  return images.map((image) => ({ type: "image", ...(isLimitedImage(image) ? image : { image }) }));
}
