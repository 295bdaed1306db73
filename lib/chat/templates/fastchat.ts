/**
 * Templates in FastChat's two styles. They have one system message, which stands first: that of the request, or else
 * their own; an empty one is left out.
 */
import { placeError } from "../../errors.js";
import { type RenderTurns, type TemplateDefinition } from "../definition.js";
import type { TemplateTurn } from "../template-turn.js";

interface FastChatTemplate {
  name: string;
  /** The system message where the request has none. */
  system?: string;
  /** Each role's name in the prompt; the roles of a request are the keys. */
  labels: Readonly<Record<string, string>>;
  /** Turns before those of the request: they are part of every prompt. */
  shots?: readonly TemplateTurn[];
  stopStrings: readonly string[];
}

interface Style {
  /** The beginning of a prompt with this system message; it may be empty. */
  head: (system: string) => string;
  turn: (label: string, content: string) => string;
  opening: (label: string) => string;
}

/** FastChat's ADD_COLON_SINGLE: `System`, `sep`, `Role: content`, `sep`, …, `Role:`. */
export function colonTemplate(template: FastChatTemplate, sep: string): TemplateDefinition {
  return define(template, {
    // What is left of the separator names the first role where nothing stands before it.
    head: (system) => (system === "" ? sep.trimStart() : system + sep),
    turn: (label, content) => `${label}: ${content}${sep}`,
    opening: (label) => `${label}:`,
  });
}

/** FastChat's NO_COLON_SINGLE: `System`, `Role`, content, `sep`, …, `Role`; a role brings its own line break. */
export function plainTemplate(template: FastChatTemplate, systemHead: string, sep: string): TemplateDefinition {
  return define(template, {
    head: (system) => (system === "" ? "" : systemHead + system + sep),
    turn: (label, content) => label + content + sep,
    opening: (label) => label,
  });
}

function define(template: FastChatTemplate, style: Style): TemplateDefinition {
  const { name, labels, shots = [], stopStrings } = template;
  const said = ({ role, content }: TemplateTurn) => style.turn(labels[role]!, content);
  const begin = shots.map(said).join("");
  const opening = style.opening(labels.assistant!);
  const render: RenderTurns = (messages, { addGenerationPrompt }) => {
    const { system, turns } = splitSystem(messages, name, template.system ?? "");
    return style.head(system) + begin + turns.map(said).join("") + (addGenerationPrompt ? opening : "");
  };
  return {
    name,
    render,
    stopStrings,
    roles: ["system", ...Object.keys(labels)],
    userRoles: Object.keys(labels).filter((role) => labels[role] === labels.user),
    images: "in-place",
    writesBos: false,
    tools: "generic",
  };
}

/** The system message, and the turns after it. */
function splitSystem(messages: readonly TemplateTurn[], name: string, fallback: string) {
  const [first] = messages;
  const late = messages.findIndex(({ role, content }, i) => i > 0 && role === "system" && content !== "");
  if (late > 0) {
    throw placeError(
      "messages",
      `[${late}]`,
      `is a system message that is not the first, for which the chat template "${name}" has no place`,
    );
  }
  return {
    system: first?.role === "system" ? first.content : fallback,
    turns: messages.filter(({ role }) => role !== "system"),
  };
}
