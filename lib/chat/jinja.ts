/** Chat templates in Jinja, as model files carry them. */
import { argumentError } from "../errors.js";
import { excerpt } from "../excerpt.js";
import { Memo } from "../memo.js";
import { TemplateRefusal, TemplateSyntaxError } from "./jinja/errors.js";
import { literalsOf, type Literals } from "./jinja/literals.js";
import { Template } from "./jinja/template.js";
import type { RenderTurns, TemplateDefinition } from "./definition.js";
import { findDialect, type Dialect, type Try } from "./jinja-dialect.js";
import { reservedNames } from "./jinja-globals.js";
import { variablesOf as variablesFor } from "./jinja-messages.js";
import { variablesOf } from "./jinja-variables.js";
import { Dict, type Value } from "./jinja/values.js";
import { mapTexts, type TemplateTurn } from "./template-turn.js";
import type { TemplateContext } from "./types.js";

interface ParsedTemplate {
  source: string;
  template: Template;
  dialect: Dialect;
  variables: ReadonlySet<string>;
  literals: Literals;
}

/** By source. A process uses few; more are a sign of generated ones. */
const parsed = new Memo<ParsedTemplate>(64);

/** Characters of a template's own words in an error. */
const MAX_WORDS = 200;

/** Whether a text is a Jinja template rather than a name. */
export function isJinja(text: string): boolean {
  return text.includes("{{") || text.includes("{%");
}

/** What is known of a Jinja template. */
export interface JinjaTemplate extends Pick<
  TemplateDefinition,
  "render" | "tools" | "callArguments" | "parallelCalls" | "proseBesideCalls" | "imagesInResults" | "hasSystem"
> {
  readonly source: string;
  readonly variables: ReadonlySet<string>;
  readonly literals: Literals;
}

/**
 * @throws MedInferError `INVALID_ARGUMENT` where it cannot be parsed
 */
export function jinjaTemplate(source: string): JinjaTemplate {
  const { template, dialect, variables, literals } = parsed.get(source, () => parseTemplate(source));
  const render: RenderTurns = (turns, context) => {
    const now = new Date();
    try {
      return template.render(variablesFor(dialect, turns, context, now), now);
    } catch (error) {
      throw argumentError("chatTemplate", "", complaint(error as Error, source, turns, context));
    }
  };
  return {
    source,
    render,
    variables,
    literals,
    tools: dialect.ownTools ? "own" : "generic",
    callArguments: dialect.callArguments,
    parallelCalls: dialect.parallelCalls,
    proseBesideCalls: dialect.proseBesideCalls,
    imagesInResults: dialect.imagesInResults,
    hasSystem: dialect.hasSystem,
  };
}

function parseTemplate(source: string): ParsedTemplate {
  let template: Template;
  try {
    template = new Template(source);
  } catch (error) {
    if (!(error instanceof TemplateSyntaxError)) throw error;
    throw argumentError("chatTemplate", "", `is no valid Jinja: ${excerpt(error.message, 150)}`);
  }
  const { program } = template;
  const literals = literalsOf(program);
  const dialect = findDialect(attempts(template), literals.all);
  const variables = new Set([...variablesOf(program)].filter((name) => !reservedNames.has(name)));
  return { source, template, dialect, variables, literals };
}

/** Renders conversations that try what a template takes. */
function attempts(template: Template): Try {
  const now = new Date();
  return (dialect, turns, { tools = [], addGenerationPrompt = true, imageInResult = false } = {}) => {
    const nobody = { bosToken: "", eosToken: "", padToken: "", templateArguments: {} };
    const context = { ...nobody, tools: tools as TemplateContext["tools"], addGenerationPrompt, imageInResult };
    return template.render(variablesFor(dialect, turns, context, now), now);
  };
}

/** What went wrong, without a word of what was given: that is a patient's. */
function complaint(
  error: Error,
  source: string,
  turns: readonly TemplateTurn[],
  { templateArguments, tools }: TemplateContext,
): string {
  const refuses = error instanceof TemplateRefusal;
  const what = refuses ? "refuses these messages" : "cannot be rendered";
  const names = tools.map(({ name }) => name);
  const own = `${source} ${turns.map(({ role }) => role).join(" ")} ${names.join(" ")}`.toLowerCase();
  const given = Object.values(templateArguments).filter((value) => typeof value === "string");
  mapTexts(turns, (text) => {
    given.push(text);
    return text;
  });
  for (const { calls = [] } of turns) for (const call of calls) given.push(...numbersIn(call.arguments));
  const said = given.join(" ").toLowerCase();
  const words = error.message.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const quotes = refuses && words.some((word) => said.includes(word) && !own.includes(word));
  return quotes ? what : `${what}: ${error.message.slice(0, MAX_WORDS)}`;
}

/** The numbers in a value, as texts. */
function numbersIn(value: Value): string[] {
  if (typeof value === "bigint" || typeof value === "number") return [String(value)];
  if (Array.isArray(value)) return value.flatMap(numbersIn);
  return value instanceof Dict ? [...value.values()].flatMap(numbersIn) : [];
}
