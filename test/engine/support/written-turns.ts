/** What a model that speaks a chat template's format writes: what the template itself writes for such a turn. */
import { readdirSync, readFileSync } from "node:fs";
import { renderChat, type TextMessage } from "medinfer";
import { loadAddon } from "../../../lib/native/addon.js";
import { findTemplate } from "../../../lib/chat/registry.js";
import { genericFormat } from "../../../lib/tools/generic-format.js";
import { withReadableCalls } from "../../../lib/tools/turn-format.js";
import { fromRoot } from "../../support/paths.mjs";

const folder = fromRoot("native", "llama.cpp", "models", "templates");

/** Names of all templates of llama.cpp. */
export const templateNames = readdirSync(folder)
  .filter((name) => name.endsWith(".jinja"))
  .map((name) => name.replace(/\.jinja$/, ""));

/** @param name without its extension */
export function templateSource(name: string): string {
  return readFileSync(`${folder}/${name}.jinja`, "utf8");
}

export const tools = [
  {
    name: "get_weather",
    description: "The weather of a city",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string" },
        days: { type: "integer", minimum: 1, maximum: 9 },
        unit: { type: "string", enum: ["C", "F"] },
      },
      required: ["city", "days"],
    },
  },
  {
    name: "give_dose",
    description: "Gives a drug",
    parameters: {
      type: "object",
      properties: {
        drug: { type: "string" },
        dose: { type: "number" },
        when: { type: "array", items: { type: "string" } },
        note: { type: ["string", "null"] },
      },
      required: ["drug", "dose"],
    },
  },
];

const paris = { id: "abc123XYZ", name: "get_weather", arguments: { city: "Paris", days: 3 } };
const rome = { id: "abc123XYA", name: "get_weather", arguments: { city: 'Rome "x" <b> é', days: 1, unit: "C" } };
const dose = {
  id: "abc123XYB",
  name: "give_dose",
  arguments: { drug: "aspirin", dose: 2.5, when: ["am", "pm"], note: "with food" },
};

/** Turns of the assistant, by what they hold. */
export const turns = {
  "one call": { content: "", toolCalls: [paris] },
  "two calls": { content: "", toolCalls: [rome, dose] },
  "prose and a call": { content: "Let me look.", toolCalls: [dose] },
  prose: { content: "It is {not} a call." },
} satisfies Record<string, Partial<TextMessage>>;

export interface WrittenTurn {
  /** What the template's answers are parsed by. */
  source: string;
  /** What the prompt ends with behind the last message; null: what the format writes there. */
  opening: string | null;
  text: string;
}

/** What marks a turn's end, as models write it: a token that ends generation. */
const ends =
  /(<\|im_end\|>|<\|eot_id\|>|<\|eom_id\|>|<\|end_of_text\|>|<\|END_OF_TURN_TOKEN\|>|<\|call\|>|<\|return\|>|\[e~\[|<seed:eos>|<end_of_sentence>|<SPECIAL_12>|<｜end▁of▁sentence｜>|<turn\|>|<\|turn_end\|>|<\|message_sep\|>$|<\|assistant_end\|>|<\|eot\|>|<｜hy_eos:opensource｜>|\n<\|end\|>\n$|<\|message_sep\|>\s*$|<\|role_end\|>|<｜hy_eos｜>|<\|end_of_msg\|>|<sep>|<\/assistant>|<role>|<\|close\|>message<\|sep\|>|<\|tool_calls_section_end\|>(?=<)|<｜end▁of▁assistant｜>|<\|end\|>$)/;

/** Undefined: the template refuses such a turn. */
export function writtenTurn(name: string, turn: keyof typeof turns): WrittenTurn | undefined {
  const jinja = templateSource(name);
  const readable = withReadableCalls(findTemplate(jinja), "", "");
  const source = readable.tools === "generic" ? genericFormat : jinja;
  const asked = { role: "user", content: "Question" };
  const write = (messages: TextMessage[], addGenerationPrompt: boolean) =>
    renderChat(source, messages, { tools, addGenerationPrompt }).prompt;
  let before: string;
  let prompt: string;
  let whole: string;
  try {
    before = write([asked], false);
    prompt = write([asked], true);
    whole = write([asked, { role: "assistant", ...turns[turn] }], false);
  } catch {
    return undefined;
  }
  const same = commonBeginning(before, prompt);
  const opening = prompt.slice(same);
  const format = loadAddon().chatFormat(source, "", "").answerFormat({
    tools: [],
    choice: "none",
    parallel: true,
    variables: "{}",
    answer: "",
    opening,
  });
  const { reasoningOpen: open, reasoningClose: close } = format;
  if (whole.startsWith(prompt)) {
    const text = cut(whole.slice(prompt.length));
    const isOpen = open !== "" && opening.trimEnd().endsWith(open);
    return { source, opening, text: isOpen && !text.includes(close) ? `So be it.${close}${text}` : text };
  }
  // History leaves out reasoning that the prompt has opened, or writes it as empty.
  const header = opening.lastIndexOf(open) >= 0 && open !== "" ? opening.slice(0, opening.lastIndexOf(open)) : opening;
  let shared = commonBeginning(before + header, whole);
  // Not in the middle of a mark.
  const mark = whole.lastIndexOf("<", shared - 1);
  if (mark >= 0 && !/[>\n]/.test(whole.slice(mark, shared))) shared = mark;
  let text = cut(whole.slice(shared)).trimStart();
  if (open !== "" && text.startsWith(open)) text = text.slice(open.length);
  if (open !== "" && opening.includes(open) && !opening.includes(close) && !text.trimStart().startsWith(close)) {
    text = `So be it.${close}${text}`;
  }
  if (opening.trimEnd().endsWith(close) && close !== "" && text.startsWith(close)) text = text.slice(close.length);
  return { source, opening, text };
}

function cut(text: string): string {
  return text.split(ends)[0]!;
}

function commonBeginning(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
