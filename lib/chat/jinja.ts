/** Chat templates in Jinja, as model files carry them. */
import type { Template as TemplateClass } from "@huggingface/jinja" with { "resolution-mode": "import" };
import { argumentError } from "../errors.js";
import type { ChatTemplateFunction, TemplateContext, TextMessage } from "./types.js";

// The package has a CommonJS build, but its types say that it is an ES module alone.
const { Template } = require("@huggingface/jinja") as { Template: typeof TemplateClass };

/** Parsed templates by source. A process uses few; more than this many are a sign of generated ones. */
const parsed = new Map<string, TemplateClass>();
const MAX_PARSED = 64;

/** Whether a text is a Jinja template rather than a name. */
export function isJinja(text: string): boolean {
  return text.includes("{{") || text.includes("{%");
}

/**
 * A Jinja template as a function.
 *
 * @throws MedInferError `INVALID_ARGUMENT` where it can not be parsed
 */
export function jinjaTemplate(source: string): ChatTemplateFunction {
  const template = parseTemplate(source);
  return (messages, context) => renderTemplate(template, messages, context);
}

function parseTemplate(source: string): TemplateClass {
  const known = parsed.get(source);
  if (known !== undefined) return known;
  let template: TemplateClass;
  try {
    template = new Template(source);
  } catch (error) {
    throw argumentError("chatTemplate", "", `is no valid Jinja: ${(error as Error).message}`);
  }
  if (parsed.size >= MAX_PARSED) parsed.clear();
  parsed.set(source, template);
  return template;
}

function renderTemplate(template: TemplateClass, messages: readonly TextMessage[], context: TemplateContext): string {
  try {
    return template.render({
      messages: messages.map(({ role, content }) => ({ role, content })),
      add_generation_prompt: context.addGenerationPrompt,
      bos_token: context.bosToken,
      eos_token: context.eosToken,
    });
  } catch (error) {
    throw argumentError("chatTemplate", "", refusal((error as Error).message, messages));
  }
}

/** What the template itself says, unless it quotes a message: that is a patient's. */
function refusal(message: string, messages: readonly TextMessage[]): string {
  const quotes = messages.some(({ content }) => content !== "" && message.includes(content));
  return quotes || message.length > 400 ? "refuses these messages" : `refuses these messages: ${message}`;
}
