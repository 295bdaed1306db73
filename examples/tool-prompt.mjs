import { renderChat } from "medinfer";

const tools = [
  {
    name: "get_dose",
    description: "The usual dose of a drug for a patient's weight.",
    parameters: {
      type: "object",
      properties: { drug: { type: "string" }, kg: { type: "number", minimum: 0.5 } },
      required: ["drug", "kg"],
    },
  },
];
const messages = [
  { role: "user", content: "How much ibuprofen for 20 kg?" },
  {
    role: "assistant",
    content: null,
    toolCalls: [{ id: "call00001", name: "get_dose", arguments: { drug: "ibuprofen", kg: 20 } }],
  },
  { role: "tool", toolCallId: "call00001", content: '{"mg": 200}' },
];

// What a model reads of it. ChatML by its name has no form for tools: they are written as text.
console.log(renderChat("chatml", messages, { tools }).prompt);

// The beginning of the answer may be yours.
const begun = [...messages, { role: "assistant", content: "The usual dose is" }];
const { prompt, prefill } = renderChat("chatml", begun, { tools, continueFinalMessage: true });
console.log(prompt.endsWith(prefill));
