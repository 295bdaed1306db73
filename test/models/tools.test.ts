/** A real model that was trained to call tools: asked, it calls; given the result, it answers with it. */
import { Engine, type ChatMessage, type GenerationResult, type Tool } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { qwenCoder } from "./support/qwen-coder.mjs";

const tools = [
  {
    name: "get_lab_value",
    description: "The latest laboratory value of a patient.",
    parameters: {
      type: "object",
      properties: {
        patient_id: { type: "string", description: "Number of the patient" },
        test: { enum: ["potassium", "sodium", "creatinine", "haemoglobin"] },
      },
      required: ["patient_id", "test"],
    },
  },
  {
    name: "get_appointment",
    description: "The next appointment of a patient.",
    parameters: { type: "object", properties: { patient_id: { type: "string" } }, required: ["patient_id"] },
  },
] satisfies Tool[];

const greedy = { sampling: { temperature: 0 }, nPredict: 256 };
let engine: Engine;
beforeAll(async () => {
  engine = await Engine.load({ model: await qwenCoder(), device: "cpu" });
}, 600_000);
afterAll(() => engine.close());

/**
 * Asks, runs the one call that comes by `run`, and gives the answer to its result. The call is required: left to itself this
 * model writes it without its template's tags, and then it is text.
 */
async function roundTrip(question: string, run: (call: unknown) => unknown) {
  const messages: ChatMessage[] = [
    { role: "system", content: "You are a helpful assistant of a hospital ward. Use the tools to look values up." },
    { role: "user", content: question },
  ];
  const asked: GenerationResult = await engine.chat({ messages, tools, toolChoice: "required", parallelToolCalls: false, ...greedy })
    .result;
  expect(asked.finishReason).toBe("toolCalls");
  const calls = asked.toolCalls!;
  expect(calls).toHaveLength(1);
  messages.push({ role: "assistant", content: asked.text, toolCalls: calls });
  for (const call of calls) {
    messages.push({
      role: "tool",
      toolCallId: call.id,
      content: JSON.stringify(run({ name: call.name, value: call.value })),
    });
  }
  return (await engine.chat({ messages, tools, ...greedy }).result).text;
}

describe("Qwen2.5-Coder-0.5B-Instruct", { timeout: 300_000 }, () => {
  it("looks a value up and says it", async () => {
    const text = await roundTrip("What is the latest potassium of patient 4711?", (call) => {
      expect(call).toEqual({ name: "get_lab_value", value: { patient_id: "4711", test: "potassium" } });
      return { value: 5.9, unit: "mmol/L" };
    });
    expect(text).toContain("5.9");
  });

  it("takes the tool that answers the question", async () => {
    const text = await roundTrip("When is the next appointment of patient 0815?", (call) => {
      expect(call).toEqual({ name: "get_appointment", value: { patient_id: "0815" } });
      return { date: "12 May", time: "14:30", clinic: "cardiology" };
    });
    expect(text).toContain("14:30");
  });

  it("answers without a call where none is allowed", async () => {
    const messages: ChatMessage[] = [{ role: "user", content: "What is the latest potassium of patient 4711?" }];
    const { finishReason, toolCalls, text } = await engine.chat({ messages, tools, toolChoice: "none", ...greedy }).result;
    expect(finishReason).not.toBe("toolCalls");
    expect(toolCalls ?? []).toEqual([]);
    expect(text).not.toContain("<tool_call>");
  });
});
