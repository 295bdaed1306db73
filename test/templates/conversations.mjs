// The conversations that every template is rendered with. What stands here is what a program could hand to
// apply_chat_template: beyond our own API, which has roles and texts alone.

const user = (content) => ({ role: "user", content });
const system = (content) => ({ role: "system", content });
const assistant = (content, more = {}) => ({ role: "assistant", content, ...more });
const tool = (content, more = {}) => ({ role: "tool", content, ...more });

const sys = system("You are a careful assistant on ward 3.");
const q1 = user("What is hypertension?");
const a1 = assistant("High blood pressure.");
const q2 = user("And in pregnancy?");

const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather in a city.",
    parameters: {
      type: "object",
      properties: {
        city: { type: "string", description: 'A city, e.g. "Zürich"' },
        days: { type: "integer", default: 3, minimum: 1 },
        unit: { type: "string", enum: ["C", "F"] },
      },
      required: ["city"],
    },
  },
};

const chart = {
  type: "function",
  function: {
    name: "read_chart",
    description: "Reads a patient's chart.\nSecond line <b> & 'quotes'.",
    parameters: {
      type: "object",
      properties: {
        patient: {
          type: "object",
          properties: { id: { type: ["string", "null"] }, age: { type: "number", default: 1.5 } },
          required: ["id"],
          additionalProperties: false,
        },
        labs: { type: "array", items: { type: "string", enum: ["Na", "K"] }, description: "Which values" },
        since: { anyOf: [{ type: "string", format: "date" }, { type: "null" }], default: null },
        all: { type: "boolean", default: false },
      },
      required: ["patient", "labs"],
    },
    return: { type: "object", description: "The chart" },
    strict: true,
  },
};

const nothing = {
  type: "function",
  function: { name: "ping", description: "", parameters: { type: "object", properties: {} } },
};

const call = (name, args, id) => ({ type: "function", id, function: { name, arguments: args } });
const one = call("get_weather", { city: "Zürich", days: 2 }, "call00001");
const other = call(
  "read_chart",
  { patient: { id: null, age: 40 }, labs: ["Na"], all: true, note: 'a "b" \\ </x>' },
  "call00002",
);
const asText = call("get_weather", '{"city": "Bern"}', "call00003");

const text = (value) => ({ type: "text", text: value });
const image = { type: "image" };

const odd = [
  " ",
  "\n",
  "\t x \n\n",
  "  lead",
  "trail  \n",
  "a\r\nb",
  "\u00a0nbsp\u00a0",
  "x\u2028y\u0085z",
  "\n\nboth\n\n",
  "\u3000wide",
];
const scripts = "Fièvre 39 °C — 发烧 🤒 ﷽ \u202eRTL\u202c a\u0301 İi ß ŉ ǆ 👩‍⚕️";
const symbols = "{{ x }} {% if y %} {# z #} <b>&amp; 'q' \"d\" \\n \\ %s {0} </s> [INST] $& \u0000 \u001f \u007f";

/** By name: what a template is given beside add_generation_prompt and the special tokens. */
export const conversations = {
  user: { messages: [q1] },
  system: { messages: [sys, q1] },
  turns: { messages: [sys, q1, a1, q2] },
  "turns without system": { messages: [q1, a1, q2] },
  "two systems": { messages: [sys, system("Second system."), q1] },
  "late system": { messages: [sys, q1, a1, system("Allergic to penicillin."), q2] },
  "system last": { messages: [q1, sys] },
  "system alone": { messages: [sys] },
  "empty system": { messages: [system(""), q1] },
  "blank system": { messages: [system(" \n "), q1] },
  "empty user": { messages: [user("")] },
  "empty answer": { messages: [q1, assistant(""), q2] },
  "odd space": {
    messages: odd.flatMap((content, i) => (i % 2 ? [assistant(content)] : [user(content)])).concat(user("end")),
  },
  "odd space in system": { messages: [system("\n  sys \t\n"), user(" q \n"), assistant("\n\n a \n"), user("\tq2")] },
  scripts: { messages: [system(scripts), user(scripts), assistant(scripts), user(scripts)] },
  symbols: { messages: [system(symbols), user(symbols), assistant(symbols), user(symbols)] },
  "answer last": { messages: [q1, assistant("It is ")] },
  "answer alone": { messages: [a1] },
  "two users": { messages: [q1, q2] },
  "two answers": { messages: [q1, a1, assistant("More."), q2] },
  long: {
    messages: [
      sys,
      ...Array.from({ length: 12 }, (_, i) => [user(`Question ${i}`), assistant(`Answer ${i}.`)]).flat(),
      q2,
    ],
  },
  nothing: { messages: [] },

  "role developer": { messages: [{ role: "developer", content: "Developer text." }, q1] },
  "role developer and system": { messages: [sys, { role: "developer", content: "Developer text." }, q1] },
  "role System": { messages: [{ role: "System", content: "Capital." }, q1] },
  "role nurse": { messages: [q1, a1, { role: "nurse", content: "Nurse text." }, q2] },
  "role tool alone": { messages: [q1, tool("Result."), q2] },
  "role model": { messages: [q1, { role: "model", content: "Model text." }, q2] },
  "role function": { messages: [q1, { role: "function", name: "get_weather", content: "Function text." }, q2] },
  "role ipython": { messages: [q1, a1, { role: "ipython", content: "Python text." }] },
  "role observation": { messages: [q1, a1, { role: "observation", content: "Seen." }] },
  "role missing": { messages: [{ content: "No role." }] },

  "one part": { messages: [user([text("What is this?")])] },
  "parts of text": {
    messages: [
      system([text("Sys.")]),
      user([text("One. "), text("Two.")]),
      assistant([text("Answer.")]),
      user([text("Three.")]),
    ],
  },
  "image first": { messages: [user([image, text("What is this?")])] },
  "image last": { messages: [sys, user([text("What is this?"), image])] },
  "two images": { messages: [user([text("a "), image, text(" b "), image, text(" c")]), a1, user([image])] },
  "image by url": { messages: [user([{ type: "image_url", image_url: { url: "x.png" } }, text("What?")])] },
  "image by source": { messages: [user([{ type: "image", image: "x.png" }, text("What?")])] },
  "video and audio": {
    messages: [user([{ type: "video", video: "v" }, { type: "audio", audio: "a" }, text("What?")])],
  },
  "unknown part": { messages: [user([{ type: "file", file: "f" }, text("What?")])] },
  "empty parts": { messages: [user([]), a1, user([text("")])] },
  "vision ids": { messages: [user([image, text("What?"), image])], add_vision_id: true },

  tools: { messages: [q1], tools: [weather] },
  "tools and system": { messages: [sys, q1], tools: [weather, chart, nothing] },
  "no tools": { messages: [sys, q1], tools: [] },
  "tools and turns": { messages: [sys, q1, a1, q2], tools: [weather] },
  "bare tools": { messages: [q1], tools: [weather.function, chart.function] },
  call: {
    messages: [
      q1,
      assistant("", { tool_calls: [one] }),
      tool('{"t": 21}', { tool_call_id: "call00001", name: "get_weather" }),
    ],
    tools: [weather],
  },
  "call and answer": {
    messages: [
      sys,
      q1,
      assistant(null, { tool_calls: [one] }),
      tool("21 °C", { tool_call_id: "call00001", name: "get_weather" }),
      assistant("It is 21 °C."),
      q2,
    ],
    tools: [weather, chart],
  },
  "call with text": {
    messages: [q1, assistant("Let me look.", { tool_calls: [one] }), tool("21", { tool_call_id: "call00001" }), a1],
    tools: [weather],
  },
  "call without content": {
    messages: [q1, { role: "assistant", tool_calls: [one] }, tool("21", { tool_call_id: "call00001" })],
    tools: [weather],
  },
  "two calls": {
    messages: [
      q1,
      assistant("", { tool_calls: [one, other] }),
      tool("21", { tool_call_id: "call00001", name: "get_weather" }),
      tool("Na 140", { tool_call_id: "call00002", name: "read_chart" }),
      q2,
    ],
    tools: [weather, chart],
  },
  "calls one after the other": {
    messages: [
      q1,
      assistant("", { tool_calls: [one] }),
      tool("21", { tool_call_id: "call00001" }),
      assistant("Next.", { tool_calls: [other] }),
      tool("Na 140", { tool_call_id: "call00002" }),
      assistant("Done."),
      q2,
    ],
    tools: [weather, chart],
  },
  "arguments as text": {
    messages: [
      q1,
      assistant("", { tool_calls: [asText] }),
      tool("5", { tool_call_id: "call00003", name: "get_weather" }),
    ],
    tools: [weather],
  },
  "call last": { messages: [q1, assistant("", { tool_calls: [one] })], tools: [weather] },
  "call without id": {
    messages: [
      q1,
      assistant("", { tool_calls: [{ type: "function", function: { name: "ping", arguments: {} } }] }),
      tool("pong"),
    ],
    tools: [nothing],
  },
  "call without function": {
    messages: [
      q1,
      assistant("", { tool_calls: [{ name: "ping", arguments: { a: 1.5, b: null, c: [true] } }] }),
      tool("pong", { name: "ping" }),
    ],
  },
  "result of parts": {
    messages: [
      q1,
      assistant("", { tool_calls: [one] }),
      tool([text("21")], { tool_call_id: "call00001", name: "get_weather" }),
    ],
    tools: [weather],
  },
  "result as object": {
    messages: [
      q1,
      assistant("", { tool_calls: [one] }),
      tool({ t: 21, unit: "°C", list: [1, 2.5, null, true] }, { tool_call_id: "call00001", name: "get_weather" }),
    ],
    tools: [weather],
  },
  "results in symbols": {
    messages: [
      q1,
      assistant("", { tool_calls: [one] }),
      tool(symbols, { tool_call_id: "call00001", name: "get_weather" }),
    ],
    tools: [weather],
  },
  "no calls": { messages: [q1, assistant("Hm.", { tool_calls: [] }), q2], tools: [weather] },
  nulls: {
    messages: [
      { role: "user", content: "Q", name: null, tool_calls: null },
      { role: "assistant", content: null, tool_calls: null, reasoning_content: null },
      q2,
    ],
  },
  "tools not wanted": { messages: [sys, q1], tools: [weather], tools_in_user_message: false, tool_choice: "none" },
  "custom tools": { messages: [q1], custom_tools: [weather], builtin_tools: ["brave_search", "code_interpreter"] },
  "xml and python tools": { messages: [sys, q1], xml_tools: [weather], python_tools: [chart] },

  reasoning: { messages: [q1, assistant("Answer.", { reasoning_content: "Thought." }), q2] },
  "reasoning last": { messages: [sys, q1, assistant("Answer.", { reasoning_content: "\nThought.\n" })] },
  "reasoning and call": {
    messages: [
      q1,
      assistant("", { reasoning_content: "Look.", tool_calls: [one] }),
      tool("21", { tool_call_id: "call00001", name: "get_weather" }),
      assistant("Done.", { reasoning_content: "So." }),
      q2,
    ],
    tools: [weather],
  },
  "reasoning under other names": { messages: [q1, assistant("Answer.", { thinking: "T.", reasoning: "R." }), q2] },
  "reasoning in text": { messages: [q1, assistant("<think>\nThought.\n</think>\n\nAnswer."), q2] },
  "reasoning in text last": { messages: [q1, assistant("<think>Thought.</think>Answer.")] },
  "reasoning in other tags": {
    messages: [q1, assistant("[THINK]T[/THINK]A"), q2, assistant("<thought>T</thought>A"), q2],
  },
  "thinking parts": { messages: [q1, assistant([{ type: "thinking", thinking: "T." }, text("A.")]), q2] },
  "thinking on": {
    messages: [sys, q1, assistant("A.", { reasoning_content: "T." }), q2],
    enable_thinking: true,
    thinking: true,
  },
  "thinking off": {
    messages: [sys, q1, assistant("A.", { reasoning_content: "T." }), q2],
    enable_thinking: false,
    thinking: false,
  },
  "thinking kept": {
    messages: [q1, assistant("A.", { reasoning_content: "T." }), q2],
    preserve_thinking: true,
    clear_thinking: false,
    keep_past_thinking: true,
    preserve_reasoning: true,
  },
  effort: {
    messages: [sys, q1],
    reasoning_effort: "high",
    thinking_effort: "high",
    thinking_budget: 512,
    reasoning_mode: "high",
  },
  "no effort": { messages: [sys, q1], reasoning_effort: "none", thinking_budget: 0 },
  "think in user": { messages: [user("/no_think a </think> b"), a1, user("<tool_response>x</tool_response> /think")] },
  "think in system": { messages: [system("/no_think Be brief. /system_override"), q1] },

  documents: {
    messages: [q1],
    documents: [
      { title: "T1", text: "First text." },
      { title: "T2", text: 'Second "text".' },
    ],
  },
  "documents of contents": { messages: [sys, q1], documents: [{ doc_id: 1, content: "C" }] },
  dates: {
    messages: [sys, q1],
    date_string: "1 Jan 2026",
    datetime: "Mar 05 2026",
    current_date: "2026-01-01",
    functions: "[]",
    available_tools: [weather],
  },
  names: {
    messages: [
      { role: "system", name: "s", content: "Sys." },
      { role: "user", name: "u", content: "Q" },
      { role: "assistant", name: "a", content: "A" },
      q2,
    ],
  },
  identity: { messages: [q1], model_identity: "You are Dr. X.", response_format: { type: "object" }, role: "user" },
  prefix: { messages: [q1, assistant("It", { prefix: true })], continue_final_message: true },
};

/** Texts of special tokens: most templates write bos_token themselves. */
const tokens = { bos_token: "<s>", eos_token: "</s>", pad_token: "<pad>", unk_token: "<unk>" };

/** What a template is given, one case after the other; the order is that of the stored results. */
export const cases = Object.entries(conversations).flatMap(([name, given]) =>
  [true, false].map((add_generation_prompt) => ({
    name: `${name}${add_generation_prompt ? "" : ", no generation prompt"}`,
    variables: { tools: null, documents: null, ...tokens, ...given, add_generation_prompt },
  })),
);
