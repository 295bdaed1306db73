import { Engine } from "medinfer";

const jsonSchema = {
  type: "object",
  properties: {
    diagnosis: { type: "string", maxLength: 40 },
    icd10: { type: "string", pattern: "^[A-Z]\\d{2}(\\.\\d)?$" },
    temperature: { type: "number", minimum: 34, maximum: 43 },
    severity: { enum: ["mild", "moderate", "severe"] },
    followUp: { type: "string", format: "date" },
  },
  required: ["diagnosis", "icd10", "severity"],
};

const engine = await Engine.load();
const messages = [{ role: "user", content: "Read the note: ..." }];
const { parsed } = await engine.chat({ messages, jsonSchema }).result;
console.log(Object.keys(parsed).includes("severity"), jsonSchema.properties.severity.enum.includes(parsed.severity));

// Or a grammar in GBNF.
const { text } = await engine.chat({ messages, grammar: 'root ::= "yes" | "no"' }).result;
console.log(text);

// Valid although its tokens run out.
const cut = await engine.chat({ messages, jsonSchema, nPredict: 60, closeAtLimit: true }).result;
console.log("severity" in JSON.parse(cut.text));
await engine.close();
