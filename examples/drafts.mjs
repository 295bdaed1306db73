import { Engine } from "medinfer";

const engine = await Engine.load();
const jsonSchema = {
  type: "object",
  properties: {
    diagnosis: { type: "string", maxLength: 40 },
    severity: { enum: ["mild", "moderate", "severe"] },
    follow_up_in_days: { type: "integer", minimum: 0, maximum: 365 },
  },
  required: ["diagnosis", "severity", "follow_up_in_days"],
};
const read = (note, options) =>
  engine.complete({
    prompt: `Note: ${note}\nAs JSON: `,
    jsonSchema,
    closeAtLimit: true,
    nPredict: 96,
    sampling: { temperature: 0 },
    ...options,
  }).result;

// The second row has the keys of the first, and a schema leaves little choice about them anyway.
await read("essential hypertension, mild, see again in 90 days");
const { text, usage } = await read("iron deficiency anaemia, moderate, see again in 30 days");
console.log(`${usage.acceptedTokens} of ${usage.completionTokens} tokens took no pass of their own`);

// The text is the same without.
const slow = await read("iron deficiency anaemia, moderate, see again in 30 days", { maxDraftTokens: 0 });
console.log(`none drafted: ${slow.usage.draftTokens}, the same text: ${slow.text === text}`);

// What an answer is expected to repeat may be named: nothing is taken from the answers of other tenants.
const other = { cacheSalt: "ward 7", expectedText: text };
const again = await read("iron deficiency anaemia, moderate, see again in 30 days", other);
console.log(`${again.usage.acceptedTokens} of ${again.usage.draftTokens} drafted tokens were drawn`);
await engine.close();
