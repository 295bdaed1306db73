import { Engine } from "medinfer";

const tools = [
  {
    name: "get_dose",
    description: "The usual dose of a drug for a patient's weight.",
    parameters: {
      type: "object",
      properties: { drug: { enum: ["ibuprofen", "paracetamol"] }, kg: { type: "integer", minimum: 1, maximum: 150 } },
      required: ["drug", "kg"],
      additionalProperties: false,
    },
  },
];
const run = { get_dose: ({ drug, kg }) => ({ mg: (drug === "ibuprofen" ? 10 : 15) * kg }) };

const engine = await Engine.load();
const messages = [{ role: "user", content: "How much ibuprofen for 20 kg?" }];

// The tiny model was not trained to call tools: it is told to, once. Yours decides by itself, with "auto".
let toolChoice = { name: "get_dose" };
for (;;) {
  const generation = engine.chat({ messages, tools, toolChoice, nPredict: 400, sampling: { temperature: 0 } });
  for await (const event of generation) {
    if (event.type === "text") process.stdout.write(event.text);
    if (event.type === "toolCall" && event.stage === "end") console.log(`${event.name} ${JSON.stringify(event.value)}`);
  }
  const { text, toolCalls, finishReason } = await generation.result;
  if (finishReason !== "toolCalls") break;
  messages.push({ role: "assistant", content: text, toolCalls });
  for (const { id, name, value } of toolCalls) {
    messages.push({ role: "tool", toolCallId: id, content: JSON.stringify(run[name](value)) });
  }
  toolChoice = "auto";
}
console.log(`\n${messages.length} messages, the last of them ${messages.at(-1).content}`);
await engine.close();
