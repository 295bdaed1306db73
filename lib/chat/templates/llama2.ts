/**
 * Llama 2 and its variants, as llama.cpp has them. A turn is opened by the message that follows an answer, so the
 * prompt ends ready for the assistant with or without a generation prompt.
 */
import { withoutEmptySystem, type RenderTurns, type TemplateDefinition } from "../definition.js";

interface Llama2Style {
  /** The system message as the first turn holds it. */
  system: (content: string) => string;
  /** What opens every turn but the first. */
  opening?: string;
  /** Whether white space around contents is dropped. */
  strip?: boolean;
}

function llama2Style(name: string, { system, opening = "[INST] ", strip = false }: Llama2Style): TemplateDefinition {
  const render: RenderTurns = (messages) => {
    let prompt = "[INST] ";
    let open = true;
    for (const message of withoutEmptySystem(messages)) {
      const content = strip ? stripAscii(message.content) : message.content;
      if (!open) prompt += opening;
      open = message.role !== "assistant";
      if (message.role === "system") prompt += system(content);
      else prompt += message.role === "user" ? `${content} [/INST]` : `${content}</s>`;
    }
    return prompt;
  };
  return {
    name,
    render,
    roles: ["system", "user", "assistant"],
    stopStrings: [],
    userRoles: ["user"],
    images: "in-place",
    writesBos: false,
    tools: "generic",
  };
}

/** As C's isspace() has it: JavaScript's trim() would take more. */
function stripAscii(content: string): string {
  return content.replace(/^[ \t\n\v\f\r]+/, "").replace(/[ \t\n\v\f\r]+$/, "");
}

const framed = (content: string) => `<<SYS>>\n${content}\n<</SYS>>\n\n`;

export const llama2Family: readonly TemplateDefinition[] = [
  llama2Style("llama2", { system: (content) => `${content}\n` }),
  llama2Style("llama2-sys", { system: framed }),
  // The BOS token before the first turn is the vocabulary's to add.
  llama2Style("llama2-sys-bos", { system: framed, opening: "<s>[INST] " }),
  llama2Style("llama2-sys-strip", { system: framed, strip: true }),
];
