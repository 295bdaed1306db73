/** How a request's answer is held to its form, and read. */
import type { TemplateDefinition } from "../chat/definition.js";
import type { PromptPiece } from "../chat/markers.js";
import type { EngineCore } from "../core.js";
import { argumentError } from "../errors.js";
import type { AnswerForm } from "../generation/thinking-splitter.js";
import { TurnReader } from "../generation/turn-reader.js";
import type { ThinkingTags } from "../generation/types.js";
import type { ResolvedChatOptions, ResolvedGenerationOptions } from "../options/request-options.js";
import { settleChoice, type SettledChoice } from "../tools/tool-choice.js";
import { callingTurn, plainTurn, templateTags, usesGenericForm, type TurnForm } from "../tools/turn-format.js";

/** What the engine and the reader of an answer are told of its form. */
export interface AnswerPlan {
  /** GBNF; empty: none. */
  grammar: string;
  /** What of the grammar's text is in the prompt. */
  grammarOpening: string;
  /** Whether the grammar is of the whole turn, reasoning included. */
  ofTurn: boolean;
  /** Undefined: the answer is read by tags, or not at all. */
  newReader: (() => TurnReader) | undefined;
  /** Undefined: reasoning is not separated from the answer. */
  thinkingTags: Required<ThinkingTags> | undefined;
  /** What stands around reasoning, whoever looks for it; undefined: nobody knows. */
  limitedTags: Required<ThinkingTags> | undefined;
  form: AnswerForm;
  /** Texts whose control tokens have a meaning for the reader. */
  markup: readonly string[];
}

/** A prompt and what it was made of. */
interface Written {
  template: TemplateDefinition;
  pieces: readonly PromptPiece[];
  prefill: string;
  /** The prompt without the beginning of the model's turn. */
  writeBefore: () => readonly PromptPiece[];
}

/** What an answer to a prompt without a template is: what the options say. */
export function planOf(
  { thinkingTags, jsonSchema }: ResolvedGenerationOptions,
  grammar: string,
  pieces: readonly PromptPiece[],
): AnswerPlan {
  const form = jsonSchema !== undefined ? "json" : grammar === "" ? "free" : "grammar";
  const tags = thinkingTags === undefined || thinkingTags === false ? undefined : settleTags(thinkingTags, pieces);
  return {
    grammar,
    grammarOpening: "",
    ofTurn: false,
    newReader: undefined,
    thinkingTags: tags,
    limitedTags: tags,
    form,
    markup: [],
  };
}

/** What the answer of a chat is. */
export function planChat(
  core: EngineCore,
  call: string,
  options: ResolvedChatOptions,
  grammar: string,
  written: Written,
): AnswerPlan {
  const choice = settleChoice(call, options.toolChoice, options.tools);
  if (choice.mode !== "none") return planCalls(core, call, options, grammar, written, choice);
  const { template, pieces } = written;
  if (options.thinkingTags !== undefined) return planOf(options, grammar, pieces);
  const { bosToken, eosToken } = core.info;
  const known = templateTags(template, options.templateArguments, bosToken, eosToken);
  if (known === undefined) return planOf(options, grammar, pieces);
  if (known.plain) {
    return planOf(known.tags === undefined ? options : { ...options, thinkingTags: known.tags }, grammar, pieces);
  }
  // A grammar of the caller's own is of all that the model writes.
  if (options.grammar !== undefined) return planOf(options, grammar, pieces);
  const form = plainTurn(template, turnRequest(core, options, written, choice));
  return form === undefined ? planOf(options, grammar, pieces) : planTurn(form, options, undefined);
}

function planCalls(
  core: EngineCore,
  call: string,
  options: ResolvedChatOptions,
  grammar: string,
  written: Written,
  choice: SettledChoice,
): AnswerPlan {
  if (options.grammar !== undefined) {
    throw argumentError(call, "grammar", 'cannot stand beside tools that may be called: set toolChoice to "none"');
  }
  const { template, pieces } = written;
  const form = callingTurn(call, template, turnRequest(core, options, written, choice));
  let tags: Required<ThinkingTags> | undefined;
  if (options.thinkingTags !== undefined) tags = planOf(options, grammar, pieces).thinkingTags;
  else if (usesGenericForm(template)) {
    const { bosToken, eosToken } = core.info;
    const known = templateTags(template, options.templateArguments, bosToken, eosToken)?.tags;
    tags = known && settleTags(known, pieces);
  }
  return planTurn(form, options, tags);
}

function planTurn(
  { format, opening, before, required }: TurnForm,
  { jsonSchema }: ResolvedChatOptions,
  tags: Required<ThinkingTags> | undefined,
): AnswerPlan {
  const { grammar } = format;
  const { reasoningOpen: open, reasoningClose: close } = format;
  const known = open === "" || close === "" ? undefined : { open, close, startsOpen: endsInside(opening, open, close) };
  const markup = [grammar, format.opening, open, close];
  if (tags !== undefined) markup.push(tags.open, tags.close);
  return {
    grammar,
    grammarOpening: grammar === "" ? "" : opening,
    ofTurn: true,
    newReader: () => new TurnReader(format, { before, tags, required }),
    thinkingTags: undefined,
    limitedTags: tags ?? known,
    form: jsonSchema === undefined ? "free" : "json",
    markup,
  };
}

function turnRequest(
  core: EngineCore,
  { templateArguments, parallelToolCalls, jsonSchema }: ResolvedChatOptions,
  { pieces, prefill, writeBefore }: Written,
  choice: SettledChoice,
) {
  const { bosToken, eosToken } = core.info;
  const answer = jsonSchema === undefined ? "" : JSON.stringify(jsonSchema);
  const behind = behindCommonBeginning(textOf(pieces), textOf(writeBefore()));
  const opening = behind.slice(0, behind.length - prefill.length);
  return { choice, parallel: parallelToolCalls, answer, templateArguments, bosToken, eosToken, opening, prefill };
}

/** What of `text` stands behind that with which `other` begins, too. */
function behindCommonBeginning(text: string, other: string): string {
  let same = 0;
  while (same < other.length && text[same] === other[same]) same++;
  return text.slice(same);
}

/** The pieces as one text; an image is a character that no text of a template holds. */
function textOf(pieces: readonly PromptPiece[]): string {
  return pieces.map((piece) => ("text" in piece ? piece.text : "\uFFFC")).join("");
}

/** Whether a block is open where the text ends. */
function endsInside(text: string, open: string, close: string): boolean {
  return text.lastIndexOf(open) > text.lastIndexOf(close);
}

/** The tags with their defaults filled in: a prompt that ends with the opening one has opened the block. */
function settleTags({ open, close, startsOpen }: ThinkingTags, pieces: readonly PromptPiece[]): Required<ThinkingTags> {
  const last = pieces.at(-1);
  const end = last !== undefined && "text" in last && last.parseSpecial ? last.text.trimEnd() : "";
  return { open, close, startsOpen: startsOpen ?? end.endsWith(open.trimEnd()) };
}
