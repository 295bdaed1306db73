/** Chat templates in Jinja, as model files carry them. */
import type { Template as TemplateClass } from "@huggingface/jinja" with { "resolution-mode": "import" };
import { argumentError } from "../errors.js";
import type { ChatTemplateFunction, TemplateContext, TextMessage } from "./types.js";

// The package has a CommonJS build, but its types say that it is an ES module alone.
const { Template } = require("@huggingface/jinja") as { Template: typeof TemplateClass };

interface ParsedTemplate {
  template: TemplateClass;
  /** Whether it takes a message's content as a list of parts, as some vision models' do, and not as a text. */
  takesParts: boolean;
}

/** Parsed templates by source. A process uses few; more than this many are a sign of generated ones. */
const parsed = new Map<string, ParsedTemplate>();
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
  const found = parsed.get(source) ?? parseTemplate(source);
  return (messages, context) => {
    try {
      return render(found, messages, context);
    } catch (error) {
      throw argumentError("chatTemplate", "", refusal((error as Error).message, messages));
    }
  };
}

function parseTemplate(source: string): ParsedTemplate {
  let template: TemplateClass;
  try {
    template = new Template(source);
  } catch (error) {
    throw argumentError("chatTemplate", "", `is no valid Jinja: ${(error as Error).message}`);
  }
  const keepsTexts = keepsContent({ template, takesParts: false });
  const takesParts = !keepsTexts && keepsContent({ template, takesParts: true });
  if (parsed.size >= MAX_PARSED) parsed.clear();
  parsed.set(source, { template, takesParts });
  return { template, takesParts };
}

/** A template that is given the other kind of content often drops it without a word. */
function keepsContent(template: ParsedTemplate): boolean {
  const context = { addGenerationPrompt: true, bosToken: "", eosToken: "" };
  try {
    const messages = [{ role: "user", content: "probe0content" }];
    return render(template, messages, context).includes("probe0content");
  } catch {
    return false;
  }
}

function render(
  { template, takesParts }: ParsedTemplate,
  messages: readonly TextMessage[],
  context: TemplateContext,
): string {
  return template.render({
    messages: messages.map(({ role, content }) => ({
      role,
      content: takesParts ? [{ type: "text", text: content }] : content,
    })),
    add_generation_prompt: context.addGenerationPrompt,
    bos_token: context.bosToken,
    eos_token: context.eosToken,
  });
}

/** What the template itself says, unless it quotes a message: that is a patient's. */
function refusal(message: string, messages: readonly TextMessage[]): string {
  const quotes = messages.some(({ content }) => content !== "" && message.includes(content));
  return quotes || message.length > 400 ? "refuses these messages" : `refuses these messages: ${message}`;
}
