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
  /** Whether the answer is brought to its end before its tokens run out. */
  closes: boolean;
  /** The grammar holds behind such reasoning; undefined: from the first token on. */
  grammarBehind: Required<ThinkingTags> | undefined;
  /** Undefined: the answer is read by tags, or not at all. */
  newReader: (() => TurnReader) | undefined;
  /** Undefined: reasoning is not separated from the answer. */
  thinkingTags: Required<ThinkingTags> | undefined;
  /** What stands around reasoning, whoever looks for it; undefined: nobody knows. */
  limitedTags: Required<ThinkingTags> | undefined;
  form: AnswerForm;
  /** What of the answer is in the prompt. */
  begun: string;
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

/**
 * What an answer is that the options alone say something of.
 *
 * @param prefill what of a chat's answer stands in the prompt: a schema is of that as well, a grammar is not
 */
export function planOf(
  { thinkingTags, jsonSchema, closeAtLimit }: ResolvedGenerationOptions,
  grammar: string,
  pieces: readonly PromptPiece[],
  prefill = "",
): AnswerPlan {
  const form = jsonSchema !== undefined ? "json" : grammar === "" ? "free" : "grammar";
  const given =
    thinkingTags === undefined || thinkingTags === false ? undefined : settleTags(thinkingTags, pieces, prefill);
  const { answer, tags } = form === "json" ? begunAnswer(prefill, given) : { answer: "", tags: given };
  const begun = answer.trimStart();
  return {
    grammar,
    grammarOpening: begun,
    closes: closeAtLimit,
    grammarBehind: grammar === "" ? undefined : tags,
    newReader: undefined,
    thinkingTags: tags,
    limitedTags: tags ?? given,
    form,
    begun,
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
  if (choice.mode !== "none") return planCalls(core, call, options, written, choice);
  const { template, pieces, prefill } = written;
  if (options.thinkingTags !== undefined) return planOf(options, grammar, pieces, prefill);
  const { bosToken, eosToken } = core.info;
  const known = templateTags(template, options.templateArguments, bosToken, eosToken);
  if (known === undefined) return planOf(options, grammar, pieces, prefill);
  if (known.plain) {
    const tagged = known.tags === undefined ? options : { ...options, thinkingTags: known.tags };
    return planOf(tagged, grammar, pieces, prefill);
  }
  // A grammar of the caller's own is of all that the model writes.
  if (options.grammar !== undefined) return planOf(options, grammar, pieces);
  const form = plainTurn(template, turnRequest(core, options, written, choice));
  return form === undefined
    ? planOf(options, grammar, pieces, prefill)
    : { ...planTurn(form, options, undefined), closes: options.closeAtLimit };
}

function planCalls(
  core: EngineCore,
  call: string,
  options: ResolvedChatOptions,
  written: Written,
  choice: SettledChoice,
): AnswerPlan {
  if (options.grammar !== undefined) {
    throw argumentError(call, "grammar", 'cannot stand beside tools that may be called: set toolChoice to "none"');
  }
  const given = outsideTags(core, options, written);
  const { answer, tags } = begunAnswer(written.prefill, given);
  const form = callingTurn(call, written.template, turnRequest(core, options, written, choice, answer), options.tools);
  return planTurn(form, options, tags, given);
}

/** Tags around reasoning that stands before what the format of the calls reads; undefined: none, or the format's own. */
function outsideTags(
  core: EngineCore,
  { thinkingTags, templateArguments }: ResolvedChatOptions,
  { template, pieces, prefill }: Written,
): Required<ThinkingTags> | undefined {
  if (thinkingTags === false) return undefined;
  const { bosToken, eosToken } = core.info;
  const known = templateTags(template, templateArguments, bosToken, eosToken)?.tags;
  if (usesGenericForm(template)) {
    const tags = thinkingTags ?? known;
    return tags && settleTags(tags, pieces, prefill);
  }
  const isOwn = known?.open.trim() === thinkingTags?.open.trim() && known?.close.trim() === thinkingTags?.close.trim();
  return thinkingTags === undefined || isOwn ? undefined : settleTags(thinkingTags, pieces, prefill);
}

function planTurn(
  { format, opening, before, required }: TurnForm,
  { jsonSchema }: ResolvedChatOptions,
  tags: Required<ThinkingTags> | undefined,
  given?: Required<ThinkingTags>,
): AnswerPlan {
  const { grammar } = format;
  const { reasoningOpen: open, reasoningClose: close } = format;
  const begun = format.parse(before).content;
  // Where the prompt has no reasoning open, an opening tag in what is prefilled is text.
  const startsOpen = begun === "" && endsInside(opening, open, close);
  const known = open === "" || close === "" ? undefined : { open, close, startsOpen };
  const markup = [grammar, format.opening, open, close];
  if (tags !== undefined) markup.push(tags.open, tags.close);
  return {
    grammar,
    grammarOpening: grammar === "" ? "" : opening,
    // A call that is cut is none: it is not to be completed with what nobody said.
    closes: false,
    grammarBehind: grammar === "" ? undefined : tags,
    newReader: () => new TurnReader(format, { before, tags, required }),
    thinkingTags: undefined,
    limitedTags: tags ?? given ?? known,
    form: jsonSchema === undefined ? "free" : "json",
    begun,
    markup,
  };
}

function turnRequest(
  core: EngineCore,
  { templateArguments, parallelToolCalls, jsonSchema }: ResolvedChatOptions,
  { pieces, prefill: whole, writeBefore }: Written,
  choice: SettledChoice,
  prefill = whole,
) {
  const { bosToken, eosToken } = core.info;
  const answer = jsonSchema === undefined ? "" : JSON.stringify(jsonSchema);
  const behind = behindCommonBeginning(textOf(pieces), textOf(writeBefore()));
  const opening = behind.slice(0, behind.length - whole.length);
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

/** What of a prefill is the answer's, and the tags where the model may still reason. */
function begunAnswer(prefill: string, tags: Required<ThinkingTags> | undefined) {
  if (tags === undefined || prefill.trim() === "") return { answer: prefill, tags };
  const { open, close, startsOpen } = tags;
  const end = prefill.lastIndexOf(close);
  if (startsOpen && end <= prefill.lastIndexOf(open)) return { answer: "", tags };
  return { answer: end < 0 ? prefill : prefill.slice(end + close.length).trimStart(), tags: undefined };
}

/** Whether a block is open where the text ends. */
function endsInside(text: string, open: string, close: string): boolean {
  return text.lastIndexOf(open) > text.lastIndexOf(close);
}

/**
 * The tags with their defaults filled in: a prompt that ends with the opening one has opened the block, and so has what is
 * prefilled where it leaves it open.
 */
function settleTags(
  { open, close, startsOpen }: ThinkingTags,
  pieces: readonly PromptPiece[],
  prefill: string,
): Required<ThinkingTags> {
  const last = pieces.at(-1);
  const end = last !== undefined && "text" in last && last.parseSpecial ? last.text.trimEnd() : "";
  const isOpen = end.endsWith(open.trimEnd()) || endsInside(prefill, open, close);
  return { open, close, startsOpen: startsOpen ?? isOpen };
}
