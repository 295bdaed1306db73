/** Chat templates in Jinja, as model files carry them. */
import { argumentError } from "../errors.js";
import { excerpt } from "../excerpt.js";
import { TemplateRefusal, TemplateSyntaxError } from "./jinja/errors.js";
import { literalsOf, type Literals } from "./jinja/literals.js";
import { Template } from "./jinja/template.js";
import { reservedNames, takenForGranted } from "./jinja-globals.js";
import { variablesOf } from "./jinja-variables.js";
import type { ChatTemplateFunction, TemplateContext, TextMessage } from "./types.js";

/** What a template takes; found out by trying. */
interface Dialect {
  /** Whether a message's content is a list of parts, as for some vision models, and not a text. */
  takesParts: boolean;
  /** Whether it fails without {@link takenForGranted}. */
  takesForGranted: boolean;
}

/** The usual one first. */
const dialects: readonly Dialect[] = [
  { takesParts: false, takesForGranted: false },
  { takesParts: false, takesForGranted: true },
  { takesParts: true, takesForGranted: false },
  { takesParts: true, takesForGranted: true },
];

interface ParsedTemplate {
  source: string;
  template: Template;
  dialect: Dialect;
  variables: ReadonlySet<string>;
  literals: Literals;
}

/** Parsed templates by source. A process uses few; more than this many are a sign of generated ones. */
const parsed = new Map<string, ParsedTemplate>();
const MAX_PARSED = 64;

/** Characters of a template's own words in an error. */
const MAX_WORDS = 200;

/** Whether a text is a Jinja template rather than a name. */
export function isJinja(text: string): boolean {
  return text.includes("{{") || text.includes("{%");
}

/** A Jinja template as a function, the variables that it reads, and the texts that it spells. */
export interface JinjaTemplate {
  render: ChatTemplateFunction;
  variables: ReadonlySet<string>;
  literals: Literals;
}

/**
 * @throws MedInferError `INVALID_ARGUMENT` where it cannot be parsed
 */
export function jinjaTemplate(source: string): JinjaTemplate {
  const known = parsed.get(source) ?? parseTemplate(source);
  return {
    variables: known.variables,
    literals: known.literals,
    render: (messages, context) => {
      try {
        return render(known.template, known.dialect, messages, context);
      } catch (error) {
        throw argumentError("chatTemplate", "", complaint(error as Error, source, messages, context));
      }
    },
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
  const dialect = dialects.find((candidate) => keepsContent(template, candidate)) ?? dialects[0]!;
  if (parsed.size >= MAX_PARSED) parsed.clear();
  const variables = new Set([...variablesOf(program)].filter((name) => !reservedNames.has(name)));
  const known = { source, template, dialect, variables, literals: literalsOf(program) };
  parsed.set(source, known);
  return known;
}

/** A template that is given the other kind of content often drops it without a word. */
function keepsContent(template: Template, dialect: Dialect): boolean {
  const context = { addGenerationPrompt: true, bosToken: "", eosToken: "", padToken: "", templateArguments: {} };
  try {
    const prompt = render(template, dialect, [{ role: "user", content: "probe0content" }], context);
    // Parts that are written out as a list are no text.
    return prompt.includes("probe0content") && !/["']type["']: ["']text["']/.test(prompt);
  } catch {
    return false;
  }
}

function render(
  template: Template,
  { takesParts, takesForGranted }: Dialect,
  messages: readonly TextMessage[],
  context: TemplateContext,
): string {
  const now = new Date();
  return template.render(
    {
      // As transformers has it where the caller names none.
      tools: null,
      documents: null,
      ...(takesForGranted ? takenForGranted(now) : {}),
      ...context.templateArguments,
      messages: messages.map(({ role, content }) => ({
        role,
        content: takesParts ? [{ type: "text", text: content }] : content,
      })),
      add_generation_prompt: context.addGenerationPrompt,
      bos_token: context.bosToken,
      eos_token: context.eosToken,
      pad_token: context.padToken,
    },
    now,
  );
}

/** What went wrong, without a word of what was given: that is a patient's. */
function complaint(error: Error, source: string, messages: readonly TextMessage[], context: TemplateContext): string {
  const refuses = error instanceof TemplateRefusal;
  const what = refuses ? "refuses these messages" : "cannot be rendered";
  const own = `${source} ${messages.map(({ role }) => role).join(" ")}`.toLowerCase();
  const given = [...messages.map(({ content }) => content), ...Object.values(context.templateArguments)]
    .filter((text) => typeof text === "string")
    .join(" ")
    .toLowerCase();
  const words = error.message.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const quotes = refuses && words.some((word) => given.includes(word) && !own.includes(word));
  return quotes ? what : `${what}: ${error.message.slice(0, MAX_WORDS)}`;
}
