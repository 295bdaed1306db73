/** Templates that write one turn after the other, as llama.cpp does: a system message may stand anywhere. */
import { withoutEmptySystem, type RenderTurns, type TemplateDefinition } from "../definition.js";

const usual = ["system", "user", "assistant"];

/** How each role's turn is written, and how the assistant's begins. */
interface TurnStyle {
  turns: Readonly<Record<string, (content: string) => string>>;
  opening: string;
}

function turnByTurn({ turns, opening }: TurnStyle): RenderTurns {
  return (messages, { addGenerationPrompt }) => {
    const said = withoutEmptySystem(messages).map(({ role, content }) => turns[role]!(content));
    return said.join("") + (addGenerationPrompt ? opening : "");
  };
}

/**
 * The end of a turn is the model's end-of-sequence token in these templates, and ends generation without a stop string.
 */
function definition(name: string, render: RenderTurns): TemplateDefinition {
  return {
    name,
    render,
    roles: usual,
    stopStrings: [],
    userRoles: ["user"],
    images: "in-place",
    writesBos: false,
    tools: "generic",
  };
}

const vicunaTurns = {
  system: (content: string) => `${content}\n\n`,
  user: (content: string) => `USER: ${content}\n`,
  assistant: (content: string) => `ASSISTANT: ${content}</s>\n`,
};

/** Vicuna as llama.cpp has it: FastChat's writes spaces where this one breaks the line. */
export const vicuna = definition("vicuna", turnByTurn({ turns: vicunaTurns, opening: "ASSISTANT:" }));

export const vicunaOrca = definition(
  "vicuna-orca",
  turnByTurn({
    turns: { ...vicunaTurns, system: (content) => `SYSTEM: ${content}\n` },
    opening: "ASSISTANT:",
  }),
);

const chatmlTurns = Object.fromEntries(
  usual.map((role) => [role, (content: string) => `<|im_start|>${role}\n${content}<|im_end|>\n`]),
);
const renderChatml = turnByTurn({ turns: chatmlTurns, opening: "<|im_start|>assistant\n" });

export const chatml = definition("chatml", renderChatml);

/** ChatML under the name of its token. */
export const imStart = definition("im_start", renderChatml);
