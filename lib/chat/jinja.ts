/** Chat templates in Jinja, as model files carry them. */
import { argumentError } from "../errors.js";
import { formatName, jinjaGlobals, reservedNames, takenForGranted, TemplateRefusal } from "./jinja-globals.js";
import { variablesOf } from "./jinja-variables.js";
import type { ChatTemplateFunction, TemplateContext, TextMessage } from "./types.js";

/** A parsed template. */
type Program = object;

/** What is used of the package: its own types do not resolve in a CommonJS project. */
interface Jinja {
  Template: new (source: string) => { parsed: Program };
  Environment: new () => { set(name: string, value: unknown): void };
  Interpreter: new (environment: object) => { run(program: Program): { value: unknown } };
}

const { Environment, Interpreter, Template } = require("@huggingface/jinja") as Jinja;

/** What a template takes; most are found out by trying. */
interface Dialect {
  /** Whether a message's content is a list of parts, as for some vision models, and not a text. */
  takesParts: boolean;
  /** Whether it fails without {@link takenForGranted}. */
  takesForGranted: boolean;
}

interface ParsedTemplate {
  program: Program;
  dialect: Dialect;
  variables: ReadonlySet<string>;
}

/** The usual one first. */
const dialects: readonly Dialect[] = [
  { takesParts: false, takesForGranted: false },
  { takesParts: false, takesForGranted: true },
  { takesParts: true, takesForGranted: false },
  { takesParts: true, takesForGranted: true },
];

/** Parsed templates by source. A process uses few; more than this many are a sign of generated ones. */
const parsed = new Map<string, ParsedTemplate>();
const MAX_PARSED = 64;

/** Whether a text is a Jinja template rather than a name. */
export function isJinja(text: string): boolean {
  return text.includes("{{") || text.includes("{%");
}

/** A Jinja template as a function, and the variables that it reads. */
export interface JinjaTemplate {
  render: ChatTemplateFunction;
  variables: ReadonlySet<string>;
}

/**
 * @throws MedInferError `INVALID_ARGUMENT` where it can not be parsed
 */
export function jinjaTemplate(source: string): JinjaTemplate {
  const { program, dialect, variables } = parsed.get(source) ?? parseTemplate(source);
  return {
    variables,
    render: (messages, context) => {
      try {
        return render(program, dialect, messages, context);
      } catch (error) {
        const given = [...messages.map(({ content }) => content), ...Object.values(context.templateArguments)];
        throw argumentError("chatTemplate", "", complaint(error as Error, given));
      }
    },
  };
}

function parseTemplate(source: string): ParsedTemplate {
  let program: Program;
  try {
    program = new Template(source).parsed;
  } catch (error) {
    throw argumentError("chatTemplate", "", `is no valid Jinja: ${(error as Error).message}`);
  }
  replaceFormat(program);
  const dialect = dialects.find((candidate) => keepsContent(program, candidate)) ?? dialects[0]!;
  if (parsed.size >= MAX_PARSED) parsed.clear();
  const variables = new Set([...variablesOf(program)].filter((name) => !reservedNames.has(name)));
  const template = { program, dialect, variables };
  parsed.set(source, template);
  return template;
}

/** A template that is given the other kind of content often drops it without a word. */
function keepsContent(program: Program, dialect: Dialect): boolean {
  const context = { addGenerationPrompt: true, bosToken: "", eosToken: "", padToken: "", templateArguments: {} };
  try {
    return render(program, dialect, [{ role: "user", content: "probe0content" }], context).includes("probe0content");
  } catch {
    return false;
  }
}

function render(
  program: Program,
  { takesParts, takesForGranted }: Dialect,
  messages: readonly TextMessage[],
  context: TemplateContext,
): string {
  const environment = new Environment();
  const now = new Date();
  const variables = {
    ...jinjaGlobals(now),
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
  };
  for (const [name, value] of Object.entries(variables)) environment.set(name, value);
  return String(new Interpreter(environment).run(program).value);
}

interface Node {
  type?: string;
  value?: unknown;
  callee?: Node;
  args?: Node[];
  object?: Node;
  property?: Node;
  computed?: boolean;
}

/** Turns every `text.format(…)` into a call of our own function, in place. */
function replaceFormat(node: unknown): void {
  if (typeof node !== "object" || node === null) return;
  for (const child of node instanceof Map ? [...node].flat() : Object.values(node)) replaceFormat(child);
  const { type, callee, args = [] } = node as Node;
  if (type !== "CallExpression" || callee?.type !== "MemberExpression" || callee.computed === true) return;
  if (callee.property?.value !== "format") return;
  const name = Object.assign(callee.property, { value: formatName });
  Object.assign(node, { callee: name, args: [callee.object, ...args] });
}

/** What went wrong, unless it quotes a text that was given: that is a patient's. */
function complaint(error: Error, given: readonly unknown[]): string {
  const what = error instanceof TemplateRefusal ? "refuses these messages" : "can not be rendered";
  const quotes = given.some((text) => typeof text === "string" && text !== "" && error.message.includes(text));
  return quotes || error.message.length > 400 ? what : `${what}: ${error.message}`;
}
