// Conversations with tools, results and reasoning, in our own form: what renderChat() takes. render.py makes of them what
// transformers' apply_chat_template is given, and they are to be rendered equally.
import { SeededRandom } from "../support/seeded-random.mjs";

const user = (content) => ({ role: "user", content });
const system = (content) => ({ role: "system", content });
const says = (content, more = {}) => ({ role: "assistant", content, ...more });
const calls = (toolCalls, more = {}) => ({ role: "assistant", toolCalls, ...more });
/** Mistral's templates want ids of nine letters and digits. */
const id = (n) => `call${String(n).padStart(5, "0")}`;
const call = (n, name, args) => ({ id: id(n), name, arguments: args });
const result = (n, content) => ({ role: "tool", toolCallId: id(n), content });

const dose = {
  name: "get_dose",
  description: "The dose of a drug for a patient.",
  parameters: {
    type: "object",
    properties: {
      drug: { type: "string", description: 'Its name, e.g. "ibuprofen"' },
      weight: { type: "number", minimum: 0.5, description: "In kg" },
      route: { type: "string", enum: ["oral", "iv"], default: "oral" },
    },
    required: ["drug", "weight"],
  },
};
const chart = {
  name: "read-chart.v2",
  description: "Reads a chart.\nSecond line: <b> & 'quotes' \"too\", \\ and {{ x }} — 发烧 🤒",
  parameters: {
    type: "object",
    properties: {
      patient: {
        type: "object",
        description: "Who",
        properties: { id: { type: ["string", "null"] }, age: { type: "integer", default: 40 } },
        required: ["id"],
        additionalProperties: false,
      },
      labs: { type: "array", items: { type: "string", enum: ["Na", "K"] }, description: "Which values" },
      since: { anyOf: [{ type: "string", format: "date" }, { type: "null" }], description: "From when on" },
      all: { type: "boolean", description: "Everything" },
    },
    required: ["patient", "labs"],
  },
};
const ping = { name: "ping", description: "Answers." };
const tools = [dose, chart, ping];

const sys = system("You are a careful assistant on ward 3.");
const q1 = user("How much ibuprofen for 20 kg?");
const q2 = user("And by the vein?");
const one = call(1, "get_dose", { drug: "ibuprofen", weight: 20, route: "oral" });
const two = call(2, "read-chart.v2", { patient: { id: "p-7", age: 61 }, labs: ["Na", "K"], all: true });
const three = call(3, "ping", "{}");
const odd = "{{ x }} {% if y %} <b>&amp; 'q' \"d\" \\n \\ %s {0} </s> [INST] </tool_call> <|im_end|> $& — é 发烧 🤒";

/** By name. */
export const chats = {
  tools: { messages: [q1], tools: [dose] },
  "tools and system": { messages: [sys, q1], tools },
  "tools and turns": { messages: [sys, q1, says("200 mg."), q2], tools: [dose, ping] },
  "tool without description": { messages: [q1], tools: [{ name: "get_dose", parameters: dose.parameters }] },
  "tool without parameters": { messages: [sys, q1], tools: [ping] },
  "no tools": { messages: [sys, q1], tools: [] },
  call: { messages: [q1, calls([one]), result(1, "200 mg")], tools: [dose] },
  "call with system": { messages: [sys, q1, calls([one]), result(1, "200 mg")], tools },
  "call of null": { messages: [q1, says(null, { toolCalls: [one] }), result(1, "200 mg")], tools: [dose] },
  "call with prose": { messages: [q1, says("Let me look.", { toolCalls: [one] }), result(1, "200 mg")], tools: [dose] },
  "call and answer": { messages: [q1, calls([one]), result(1, "200 mg"), says("200 mg."), q2], tools: [dose] },
  "call last": { messages: [sys, q1, calls([one])], tools },
  "call without tools": { messages: [q1, calls([one]), result(1, "200 mg"), says("200 mg."), q2] },
  "two calls": { messages: [q1, calls([one, two]), result(1, "200 mg"), result(2, "Na 140")], tools },
  "two calls and answer": {
    messages: [sys, q1, calls([one, two]), result(1, "200 mg"), result(2, "Na 140"), says("200 mg."), q2],
    tools,
  },
  "two calls of one tool, with prose": {
    messages: [
      q1,
      says("Twice.", { toolCalls: [one, call(2, "get_dose", { drug: "ibuprofen", weight: 20.5 })] }),
      result(1, "200 mg"),
      result(2, "205 mg"),
    ],
    tools,
  },
  "results the other way round": {
    messages: [q1, calls([one, two]), result(2, "Na 140"), result(1, "200 mg"), says("So."), q2],
    tools,
  },
  "calls one after the other": {
    messages: [
      sys,
      q1,
      calls([one]),
      result(1, "200 mg"),
      says("Next.", { toolCalls: [two] }),
      result(2, "Na 140"),
      says("200 mg."),
      q2,
      calls([three]),
      result(3, "pong"),
    ],
    tools,
  },
  "no arguments": { messages: [q1, calls([three]), result(3, "pong")], tools },
  "arguments as empty text": { messages: [q1, calls([call(3, "ping", " ")]), result(3, "pong")], tools },
  "arguments as text": {
    messages: [q1, calls([call(1, "get_dose", ' {"drug":"ibuprofen",  "weight": 2e1} ')]), result(1, "200 mg")],
    tools,
  },
  "numbers as they are written": {
    messages: [
      q1,
      calls([
        call(
          1,
          "get_dose",
          '{"drug": "x", "weight": 20.0, "n": 12345678901234567890, "m": -0.5e-7, "z": 0, "f": 1E3, "9": 1, "10": 2, "a": -1}',
        ),
      ]),
      result(1, "1"),
    ],
    tools,
  },
  "arguments of every kind": {
    messages: [
      q1,
      calls([
        call(2, "read-chart.v2", {
          patient: { id: "p", age: 3, more: [[1, [2.5, "x"]], {}, { a: { b: [] } }] },
          labs: ["Na", "", "K"],
          on: true,
          text: odd,
          "a key": odd,
          "dü-c": "",
        }),
      ]),
      result(2, odd),
    ],
    tools,
  },
  "false and null": {
    messages: [
      q1,
      calls([call(2, "read-chart.v2", { patient: { id: null }, labs: [], since: null, all: false })]),
      result(2, "x"),
    ],
    tools,
  },
  "odd texts": { messages: [system(odd), user(odd), says(odd, { toolCalls: [one] }), result(1, odd)], tools },
  "result of JSON": {
    messages: [q1, calls([one]), result(1, '{"dose": 200, "unit": "mg", "list": [1, null]}')],
    tools,
  },
  "result of lines": { messages: [q1, calls([one]), result(1, " a\n\n  b\t\n")], tools: [dose] },
  "empty result": { messages: [q1, calls([one]), result(1, ""), says("Nothing."), q2], tools: [dose] },
  reasoning: { messages: [q1, says("200 mg.", { reasoning: "10 mg for each kg." }), q2] },
  "reasoning of every turn": {
    messages: [
      sys,
      q1,
      says("A.", { reasoning: "R1." }),
      q2,
      says("B.", { reasoning: "\nR2.\n" }),
      user("Why?"),
      says("C.", { reasoning: "R3." }),
    ],
  },
  "reasoning and call": {
    messages: [q1, calls([one], { reasoning: "Look it up." }), result(1, "200 mg")],
    tools: [dose],
  },
  "reasoning, prose and call": {
    messages: [q1, says("A moment.", { reasoning: "Look.", toolCalls: [one] }), result(1, "200 mg")],
    tools: [dose],
  },
  "reasoning and calls of turns": {
    messages: [
      sys,
      q1,
      calls([one], { reasoning: "R1." }),
      result(1, "200 mg"),
      says("200 mg.", { reasoning: "R2." }),
      q2,
      calls([two], { reasoning: "R3." }),
      result(2, "Na 140"),
    ],
    tools,
  },
  "answer continued": { messages: [sys, q1, says("The dose is")], continueFinalMessage: true },
  "answer of blanks continued": { messages: [q1, says("The dose is ")], continueFinalMessage: true },
  "odd answer continued": { messages: [q1, says(`${odd}.`)], continueFinalMessage: true },
  "answer continued with tools": { messages: [sys, q1, says('{"dose":')], tools, continueFinalMessage: true },
  "answer continued after a result": {
    messages: [q1, calls([one]), result(1, "200 mg"), says("So it is")],
    tools,
    continueFinalMessage: true,
  },
  "answer continued after reasoning": {
    messages: [sys, q1, says("The dose is", { reasoning: "10 mg for each kg." })],
    continueFinalMessage: true,
  },
};

/** One conversation after the other, of any shape that the API takes. @param {number} seed @param {number} count */
export function* randomChats(seed, count) {
  const random = new SeededRandom(seed);
  for (let i = 0; i < count; i++) yield new Conversation(random).chat();
}

class Conversation {
  #n = 0;

  /** @param {SeededRandom} random */
  constructor(random) {
    this.random = random;
  }

  chat() {
    const { random } = this;
    const given = random.next() < 0.9 ? tools.slice(0, random.int(1, tools.length)) : [];
    const messages = random.next() < 0.5 ? [system(this.text())] : [];
    const turns = random.int(1, 3);
    for (let turn = 0; turn < turns; turn++) {
      messages.push(user(this.text()));
      if (turn === turns - 1 && random.next() < 0.3) break;
      const rounds = random.int(0, 2);
      for (let i = 0; i < rounds; i++) messages.push(...this.round(given));
      if (turn < turns - 1 || rounds === 0 || random.next() < 0.5) messages.push(says(this.text(), this.reasoning()));
    }
    const isContinued = messages.at(-1).role === "assistant" && random.next() < 0.5;
    return {
      messages,
      ...(given.length > 0 ? { tools: given } : {}),
      ...(isContinued ? { continueFinalMessage: true } : {}),
    };
  }

  /** Calls and their results. */
  round(given) {
    const { random } = this;
    const made = Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, () => {
      const { name } = random.pick(given.length > 0 ? given : tools);
      const args = Object.fromEntries(Array.from({ length: random.int(0, 4) }, () => [this.key(), this.value(2)]));
      return call(++this.#n, name, random.next() < 0.5 ? args : JSON.stringify(args));
    });
    const prose = random.pick([{}, { content: null }, { content: this.text() }]);
    const results = made.map(({ id: which }) => ({ role: "tool", toolCallId: which, content: this.text() }));
    return [{ role: "assistant", ...prose, toolCalls: made, ...this.reasoning() }, ...results];
  }

  reasoning() {
    return this.random.next() < 0.3 ? { reasoning: this.text() } : {};
  }

  key() {
    return this.random.pick(["drug", "weight", "a", "b c", "ä", "x_1", "since"]);
  }

  value(depth) {
    const { random } = this;
    const kinds = ["text", "text", "int", "float", "true", "false", "null", ...(depth > 0 ? ["list", "dict"] : [])];
    switch (random.pick(kinds)) {
      case "text":
        return this.text();
      case "int":
        return random.int(-5, 1000);
      case "float":
        return random.int(-500, 500) / 8 + 0.0625;
      case "true":
        return true;
      case "false":
        return false;
      case "null":
        return null;
      case "list":
        return Array.from({ length: random.int(0, 3) }, () => this.value(depth - 1));
      default:
        return Object.fromEntries(Array.from({ length: random.int(0, 3) }, () => [this.key(), this.value(depth - 1)]));
    }
  }

  text() {
    const { random } = this;
    const words = [
      "dose",
      "20 mg",
      "fever",
      "Zürich",
      "发烧",
      '"q"',
      "it's",
      "\\",
      "<b>",
      "a\nb",
      "{1}",
      "🤒",
      "&",
      "yes.",
    ];
    return Array.from({ length: random.int(1, 6) }, () => random.pick(words)).join(" ");
  }
}

/**
 * What is known of each of llama.cpp's templates with tools, written down by hand: those that are not named have a form of
 * their own, and take the arguments of calls as a dict.
 */
const forms = {
  "meetkai-functionary-medium-v3.2.jinja": { arguments: "text" },
  "fireworks-ai-llama-3-firefunction-v2.jinja": { granted: true },
  "mistralai-Ministral-3-14B-Reasoning-2512.jinja": { thinking: "parts" },
  // These fail without a list of tools.
  "CohereForAI-c4ai-command-r-plus-tool_use.jinja": { granted: true },
  // These fail for a tool without a description.
  "Apertus-8B-Instruct.jinja": { describes: true },
  "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use.jinja": { describes: true, granted: true },
  "NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja": { describes: true, granted: true },
  "meetkai-functionary-medium-v3.1.jinja": { describes: true },
  "muse-glimmer.jinja": { describes: true },
  "openai-gpt-oss-120b.jinja": { describes: true, parallel: false, reasoningBesideProse: false },
  // These write the first call of a message alone.
  "GigaChat3-10B-A1.8B.jinja": { parallel: false },
  "GigaChat3.1-10B-A1.8B.jinja": { parallel: false },
  // These refuse more than one call in a message.
  "meta-llama-Llama-3.1-8B-Instruct.jinja": { parallel: false },
  "meta-llama-Llama-3.2-3B-Instruct.jinja": { parallel: false },
  "meta-llama-Llama-3.3-70B-Instruct.jinja": { parallel: false },
  // These write tools, and leave calls to the caller.
  "LFM2-8B-A1B.jinja": { calls: "text" },
  "LFM2.5-Instruct.jinja": { calls: "text" },
  // These write no tools, or tools and no calls.
  "HuggingFaceTB-SmolLM3-3B.jinja": { tools: "generic" },
  "deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja": { tools: "generic" },
  "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja": { tools: "generic" },
  "deepseek-ai-DeepSeek-V3.1.jinja": { tools: "generic" },
  "google-gemma-2-2b-it.jinja": { tools: "generic", system: false },
  "ibm-granite-granite-3.3-2B-Instruct.jinja": { tools: "generic" },
  "llama-cpp-deepseek-r1.jinja": { tools: "generic" },
  "llama-cpp-rwkv-world.jinja": { tools: "generic" },
  "microsoft-Phi-3.5-mini-instruct.jinja": { tools: "generic" },
};

/** @param {string} file the template's name */
export const formOf = (file) => ({ tools: "own", arguments: "value", parallel: true, system: true, ...forms[file] });

/**
 * Renders a case with our own API.
 * @param {(template: string, messages: any[], options: any) => { prompt: string }} renderChat
 * @param {string} source the template
 * @param {any} chatCase one of chatCases
 * @returns {{ text?: string, error?: Error }}
 */
export function renderCase(renderChat, source, { chat: { messages, ...options }, addGenerationPrompt }) {
  const given = options.continueFinalMessage ? options : { ...options, addGenerationPrompt };
  try {
    return { text: renderChat(source, messages, given).prompt };
  } catch (error) {
    if (error.code !== "INVALID_ARGUMENT") throw error;
    return { error };
  }
}

/**
 * What we refuse and Python does not: what its prompt lacks, or where a text to be continued would not end as it is.
 */
export const ownRefusal =
  /leaves out|cannot be continued: the chat template "\(Jinja\)" changes|is left out by the chat template/;

/** What render.py is given of a conversation. */
export function chatForPython(
  { messages, tools: given = [], continueFinalMessage = false },
  form,
  addGenerationPrompt,
) {
  const names = new Map();
  const said = messages.map((message) => {
    for (const { id: which, name } of message.toolCalls ?? []) names.set(which, name);
    const made = message.toolCalls?.map((one) => ({
      ...one,
      arguments: typeof one.arguments === "string" ? one.arguments : { json: JSON.stringify(one.arguments) },
    }));
    return {
      ...message,
      ...(made ? { toolCalls: made } : {}),
      ...(message.role === "tool" ? { name: names.get(message.toolCallId) } : {}),
    };
  });
  return { form, messages: said, tools: given, variables: {}, continueFinalMessage, addGenerationPrompt };
}

/** Conversations as cases, with a generation prompt and without. @param {[string, object][]} named */
const casesOf = (named) =>
  named.flatMap(([name, chat]) =>
    (chat.continueFinalMessage ? [false] : [true, false]).map((addGenerationPrompt) => ({
      name: `${name}${addGenerationPrompt || chat.continueFinalMessage ? "" : ", no generation prompt"}`,
      chat,
      addGenerationPrompt,
    })),
  );

/** @param {number} seed @param {number} count */
export const randomCases = (seed, count) =>
  casesOf([...randomChats(seed, count)].map((chat, i) => [`random conversation ${i} of ${seed}`, chat]));

/** All that a template is given, one case after the other; the order is that of the stored results. */
export const chatCases = [...casesOf(Object.entries(chats)), ...randomCases(25, 6)];
