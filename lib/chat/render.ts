/** From messages to a prompt. */
import * as v from "valibot";
import { argumentError, placeError } from "../errors.js";
import { parse } from "../validation/parse.js";
import type { ControlTokens } from "./control-tokens.js";
import { checkArguments, checkRoles, type TemplateDefinition } from "./definition.js";
import { withGenericTools } from "./generic-tools.js";
import { checkTexts } from "./lost-text.js";
import { PromptMarkers, type PromptPiece } from "./markers.js";
import { writePrefilled } from "./prefill.js";
import { withEffort } from "./reasoning-effort.js";
import { findTemplate } from "./registry.js";
import { renderedSchema, renderOptionsSchema, textMessagesSchema } from "./schema.js";
import { refuseControlTokens } from "./template-arguments.js";
import { callsFor, mapTexts, type TemplateTurn } from "./template-turn.js";
import { mapTools, type ResolvedTool } from "./tool-schema.js";
import type {
  Content,
  FunctionTool,
  ReasoningEffort,
  RenderedChat,
  ResolvedMessage,
  TemplateArguments,
  TemplateContext,
  TextMessage,
  Tool,
} from "./types.js";

/** What a conversation is rendered with, beside the messages. */
export interface RenderingOptions {
  /**
   * Whether the prompt ends with the opening of the assistant's turn. Default true; false with `continueFinalMessage`.
   */
  addGenerationPrompt?: boolean;
  /** See {@link ChatOptions.templateArguments}. Default none. */
  templateArguments?: TemplateArguments;
  /** See {@link ChatOptions.tools}. Default none. */
  tools?: readonly (Tool | FunctionTool)[];
  /** See {@link ChatOptions.reasoningEffort}. Default: what the template does without. */
  reasoningEffort?: ReasoningEffort;
  /** See {@link ChatOptions.continueFinalMessage}. Default false. */
  continueFinalMessage?: boolean;
}

/** Options of {@link renderChat}. */
export type RenderChatOptions = RenderingOptions;

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
  const definition = findTemplate(name);
  const request = { ...given, bosToken: "", eosToken: "", padToken: "" };
  const { prompt, stopStrings, prefill } = apply(
    definition,
    turnsOf(definition, turns, textOf),
    settle(definition, request),
  );
  return { prompt, stopStrings, ...(prefill === undefined ? {} : { prefill }) };
}

/** What a request says of its rendering, checked, and the special tokens. */
export interface RenderRequest extends Omit<TemplateContext, "tools" | "addGenerationPrompt"> {
  readonly addGenerationPrompt?: boolean | undefined;
  readonly tools?: readonly ResolvedTool[];
  readonly reasoningEffort?: ReasoningEffort | undefined;
  readonly continueFinalMessage?: boolean;
}

/** A conversation with images, ready to be loaded and sent. */
export interface RenderedPieces {
  pieces: PromptPiece[];
  stopStrings: string[];
  /** With continueFinalMessage: the text with which the prompt ends. */
  prefill: string | undefined;
}

/** Renders a conversation whose messages may hold images and texts that look like control tokens. */
export function renderPieces(
  template: TemplateDefinition,
  messages: readonly ResolvedMessage[],
  request: RenderRequest,
  control: ControlTokens,
): RenderedPieces {
  refuseControlTokens(template.name, request.templateArguments, control);
  const settled = settle(template, request);
  refuseImages(template, messages, settled.continueFinalMessage);
  const placed = messages.map((message) => ({ ...message, content: place(message.content, template.images) }));
  const render = (edges: boolean) => {
    const markers = new PromptMarkers();
    const plain = turnsOf(template, placed, (content) => markers.flatten(content, control, edges));
    const turns = mapTexts(plain, (text, { part }) =>
      part === "content" ? text : markers.flatten(text, control, edges, part === "reasoning" || part === "id"),
    );
    const tools = mapTools(settled.tools, (text, isOptional) => markers.flatten(text, control, false, isOptional));
    return { markers, ...apply(template, turns, { ...settled, tools }, !edges) };
  };
  let rendered = render(false);
  if (placed.some((message) => control.mayJoin(textsOf(message)))) {
    // A template that cuts or replaces inside a text, or puts its own beside it, could make a control token of what was
    // none. With the edges of such tokens marked it cannot: where fewer come out, the others had been made so.
    const guarded = render(true);
    const count = ({ markers, prompt }: typeof rendered) => control.countIn(markers.textsAround(prompt));
    if (count(rendered) > count(guarded)) rendered = guarded;
  }
  const { markers, prompt, stopStrings } = rendered;
  const prefill = settled.continueFinalMessage ? textOf(messages.at(-1)!.content) : undefined;
  return { pieces: markers.split(prompt), stopStrings, prefill };
}

/** The messages as the template takes them. */
function turnsOf(
  template: TemplateDefinition,
  messages: readonly ResolvedMessage[],
  flatten: (content: Content) => string,
): TemplateTurn[] {
  const form = template.tools === "own" ? (template.callArguments ?? "text") : "text";
  return messages.map(({ role, content, toolCalls, reasoning, toolCallId, name }) => ({
    role,
    // Models of these templates say nothing beside calls; what another model said there is not written.
    content: flatten(toolCalls && template.proseBesideCalls === false ? "" : content),
    calls: toolCalls && callsFor(toolCalls, form),
    reasoning,
    toolCallId,
    name,
  }));
}

/** Images where a template has no place for them. */
function refuseImages(template: TemplateDefinition, messages: readonly ResolvedMessage[], continues: boolean): void {
  const holds = ({ content }: ResolvedMessage) =>
    typeof content !== "string" && content.some((part) => part.type === "image");
  const inResult = messages.findIndex((message) => message.role === "tool" && holds(message));
  if (inResult >= 0 && template.tools === "own" && template.imagesInResults !== true) {
    const why = `holds an image, for which the chat template "${template.name}" has no place in a result`;
    throw placeError("messages", `[${inResult}]`, `${why}: put it into a user message after the results`);
  }
  if (continues && holds(messages.at(-1)!)) {
    throw placeError("messages", `[${messages.length - 1}]`, "cannot be continued: it holds an image");
  }
}

function textOf(content: Content): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** All that a message says. */
function textsOf({ content, reasoning = "", toolCalls = [] }: ResolvedMessage): string {
  return [textOf(content), reasoning, ...toolCalls.map((call) => call.arguments)].join("");
}

/** The content with its images where the template wants them. */
function place(content: Content, placement: TemplateDefinition["images"]): Content {
  if (placement === "in-place" || typeof content === "string") return content;
  const images = content.filter((part) => part.type === "image");
  const texts = content.filter((part) => part.type === "text");
  return [...images.flatMap((image) => [image, { type: "text" as const, text: "\n" }]), ...texts];
}

/** A request whose options have become what the template reads. */
interface Settled extends TemplateContext {
  readonly tools: readonly ResolvedTool[];
  readonly continueFinalMessage: boolean;
}

/** @throws MedInferError `INVALID_ARGUMENT` for options that the template does not know */
function settle(template: TemplateDefinition, given: RenderRequest): Settled {
  const { reasoningEffort, tools = [], continueFinalMessage = false, ...request } = given;
  checkArguments(template, request.templateArguments);
  const templateArguments = withEffort(template, reasoningEffort, request.templateArguments);
  const { addGenerationPrompt = !continueFinalMessage } = request;
  if (continueFinalMessage && addGenerationPrompt) {
    throw argumentError("continueFinalMessage", "", "leaves no room for addGenerationPrompt: leave one of them out");
  }
  return { ...request, tools, continueFinalMessage, templateArguments, addGenerationPrompt };
}

/** @param check whether the prompt has to hold every message's text */
function apply(
  template: TemplateDefinition,
  turns: readonly TemplateTurn[],
  { continueFinalMessage, ...context }: Settled,
  check = true,
) {
  const stopStrings = new Set(template.stopStrings);
  const write = (said: readonly TemplateTurn[]) => {
    const isOwn = template.tools === "own";
    const written = isOwn ? said : generic(template, said, context.tools);
    checkRoles(template, written);
    const rendered: unknown = template.render(written, isOwn ? context : { ...context, tools: [] });
    const { prompt, stopStrings: more } = parse(renderedSchema, rendered, `the chat template "${template.name}"`);
    for (const stop of more) stopStrings.add(stop);
    return prompt;
  };
  const last = turns.at(-1);
  if (continueFinalMessage) checkContinued(turns);
  const writeAll = continueFinalMessage
    ? (said: readonly TemplateTurn[]) => writePrefilled(template.name, said, write)
    : write;
  const prompt = writeAll(turns);
  if (check) checkTexts(template, turns, context.tools, prompt, writeAll, continueFinalMessage);
  return { prompt, stopStrings: [...stopStrings], prefill: continueFinalMessage ? last?.content : undefined };
}

function generic(template: TemplateDefinition, turns: readonly TemplateTurn[], tools: readonly ResolvedTool[]) {
  const userRole = template.userRoles.includes("user") ? "user" : (template.userRoles[0] ?? "user");
  return withGenericTools(turns, tools, { hasSystem: template.hasSystem !== false, userRole });
}

/** What can be continued is what the assistant says. */
function checkContinued(turns: readonly TemplateTurn[]): void {
  const last = turns.at(-1)!;
  const why =
    last.role !== "assistant"
      ? "must be the assistant's with continueFinalMessage: it is continued"
      : last.calls === undefined
        ? undefined
        : "cannot be continued: it ends with calls of tools";
  if (why !== undefined) throw placeError("messages", `[${turns.length - 1}]`, why);
}
