/** What the model's turn looks like, as its chat template says. */
import { genericFormat } from "./generic-format.js";
import type { SettledChoice } from "./tool-choice.js";
import type { TemplateDefinition } from "../chat/definition.js";
import type { ResolvedTool } from "../chat/tool-schema.js";
import type { TemplateArguments } from "../chat/types.js";
import { argumentError, isArgumentError } from "../errors.js";
import { Memo } from "../memo.js";
import { loadAddon } from "../native/addon.js";
import type { NativeAnswerFormat, NativeAnswerFormatOptions, NativeChatFormat } from "../native/types.js";
import { BROKEN_TEXT, brokenTextPlace } from "../validation/json-fault.js";
import { pathOf } from "../validation/parse.js";

/** What of a request decides how its answer looks. */
export interface TurnRequest {
  choice: SettledChoice;
  parallel: boolean;
  /** A JSON schema of answers; empty: none. */
  answer: string;
  templateArguments: TemplateArguments;
  bosToken: string;
  eosToken: string;
  /** What the prompt ends with behind the last message, without what is prefilled. */
  opening: string;
  /** What of the answer stands in the prompt already. */
  prefill: string;
}

/** How a turn is read, and held to its form. */
export interface TurnForm {
  format: NativeAnswerFormat;
  /** The beginning of the turn that is in the prompt, as the grammar reads it. */
  opening: string;
  /** What the format reads before the first token of the answer. */
  before: string;
  /** Names of the arguments that a call needs, by the tool's name. */
  required: ReadonlyMap<string, readonly string[]>;
}

/** What a template's format, or an answer's, is made of. */
type FormatKey = readonly [source: string, bosToken: string, eosToken: string];

/** By template, undefined where none can be found. A process uses few. */
const chatFormats = new Memo<NativeChatFormat | undefined>(64);
const templatesTags = new Memo<TemplateTags | undefined>(64);
/** By template, tools and choice: to make the grammars of some tools takes tens of milliseconds. */
const answerFormats = new Memo<NativeAnswerFormat>(32);

function chatFormat(...key: FormatKey): NativeChatFormat | undefined {
  return chatFormats.get(JSON.stringify(key), () => unlessRefused(() => loadAddon().chatFormat(...key)));
}

/** Undefined where no format is known of the template. */
function answerFormat(key: FormatKey, options: NativeAnswerFormatOptions): NativeAnswerFormat | undefined {
  const found = chatFormat(...key);
  return found && answerFormats.get(JSON.stringify([key, options]), () => found.answerFormat(options));
}

function unlessRefused<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (isArgumentError(error)) return undefined;
    throw error;
  }
}

/** The form of a turn without tools; undefined: nothing is known of it, and all of it is the answer. */
export function plainTurn(template: TemplateDefinition, request: TurnRequest): TurnForm | undefined {
  if (template.source === undefined) return undefined;
  return formOf(template.source, request, request.opening);
}

/**
 * The form of a turn that may call tools.
 *
 * @param tools all of the caller's, whose places errors name
 * @throws MedInferError `INVALID_ARGUMENT` for a tool whose schema cannot be kept
 */
export function callingTurn(
  call: string,
  template: TemplateDefinition,
  request: TurnRequest,
  tools: readonly ResolvedTool[] = request.choice.tools,
): TurnForm {
  const own = usesGenericForm(template) ? undefined : template.source;
  let begun = false;
  try {
    const found = own === undefined ? undefined : formOf(own, request, request.opening);
    const form = found ?? formOf(genericFormat, request, undefined);
    if (form !== undefined) return form;
    begun = request.prefill !== "" && formOf(genericFormat, { ...request, prefill: "" }, undefined) !== undefined;
  } catch (error) {
    if (!isArgumentError(error)) throw error;
    const broken = brokenTextPlace(tools);
    if (broken !== undefined) {
      throw argumentError(call, pathOf(["tools", ...broken].map((key) => ({ key }))), BROKEN_TEXT);
    }
    const named = /^tool ("[^"]*"): jsonSchema: /;
    const message = error.message.replace(/^tools: /, "");
    throw argumentError(call, "tools", message.replace(named, "hold $1, whose parameters no grammar keeps: "));
  }
  if (begun) throw argumentError(call, "messages", "end with the beginning of a call that none of the tools can have");
  throw argumentError(call, "tools", `cannot be called with the chat template "${template.name}"`);
}

/** What a template says of reasoning. */
export interface TemplateTags {
  /** Whether a turn is no more than an answer with reasoning between the tags before it. */
  plain: boolean;
  /** Undefined: it knows of none. */
  tags: { open: string; close: string } | undefined;
}

/** The tags around reasoning that the template knows; undefined: nothing is known of its answers. */
export function templateTags(
  { source }: TemplateDefinition,
  templateArguments: TemplateArguments,
  bosToken: string,
  eosToken: string,
): TemplateTags | undefined {
  if (source === undefined) return undefined;
  const variables = JSON.stringify(templateArguments);
  const options = { choice: "none", parallel: true, variables, answer: "", opening: null } as const;
  return templatesTags.get(JSON.stringify([source, bosToken, eosToken, variables]), () => {
    const format = unlessRefused(() => answerFormat([source, bosToken, eosToken], { ...options, tools: [] }));
    if (format === undefined) return undefined;
    const { plain, reasoningOpen: open, reasoningClose: close } = format;
    return { plain, tags: open === "" || close === "" ? undefined : { open, close } };
  });
}

/**
 * The template as prompts with tools are written: where nobody knows how its calls would be read, tools and calls stand in
 * the generic form.
 */
export function withReadableCalls(
  template: TemplateDefinition,
  bosToken: string,
  eosToken: string,
): TemplateDefinition {
  if (template.tools === "generic" || template.source === undefined) return template;
  return chatFormat(template.source, bosToken, eosToken)?.calls === true ? template : { ...template, tools: "generic" };
}

/** Whether the turn of a request is read as calls of the generic form. */
export function usesGenericForm({ tools, source }: TemplateDefinition): boolean {
  return tools === "generic" || source === undefined;
}

function formOf(source: string, request: TurnRequest, opening: string | undefined): TurnForm | undefined {
  const { choice, parallel, answer, templateArguments, bosToken, eosToken, prefill } = request;
  const options = {
    tools: choice.tools.map(({ name, description, parameters }) => ({
      name,
      description: description ?? "",
      parameters: JSON.stringify(parameters),
    })),
    choice: choice.mode,
    parallel: parallel && !choice.once,
    variables: JSON.stringify(templateArguments),
    answer,
  };
  const required = new Map(choice.tools.map(({ name, parameters }) => [name, requiredOf(parameters)]));
  // What the format knows as the beginning of a turn, where the prompt's is no such: it may say more than that.
  for (const begun of opening === undefined ? [null] : [opening, null]) {
    const format = answerFormat([source, bosToken, eosToken], { ...options, opening: begun });
    if (format === undefined) return undefined;
    const { fits, content } = format.parse("");
    const isRead = content.trim() === "" || content.trim() === format.reasoningClose;
    if (fits && isRead && (prefill === "" || format.parse(prefill).fits)) {
      return { format, opening: format.opening + prefill, before: prefill, required };
    }
  }
  return undefined;
}

function requiredOf({ required }: Readonly<Record<string, unknown>>): string[] {
  return Array.isArray(required) ? required.filter((name) => typeof name === "string") : [];
}
