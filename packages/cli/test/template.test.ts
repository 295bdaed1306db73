import { writeFileSync } from "node:fs";
import path from "node:path";

import { Engine, renderChat } from "medinfer";
import { describe, expect, it } from "vitest";

import { withoutChatTemplate } from "./models.js";
import { embeddedModel, printed, printedJson, run, temporaryFolder } from "./support.js";

const folder = temporaryFolder();
const messages = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "What is gout? Ü 漢 😀" },
];
const conversation = path.join(folder, "conversation.json");
writeFileSync(conversation, JSON.stringify(messages));

describe("a conversation is rendered", () => {
  it.each(["vicuna", "chatml", "llama2", "meditron", "zephyr"])("with %s as renderChat does", async (name) => {
    const expected = renderChat(name, messages);
    expect(await printed(["template", "--name", name, conversation])).toBe(expected.prompt);
    expect(await printedJson(["template", "--name", name, "--json", conversation])).toEqual(expected);
  });

  it("from stdin, also as an object with messages", async () => {
    const { prompt } = renderChat("chatml", messages);
    expect(await printed(["template", "--name", "chatml"], JSON.stringify(messages))).toBe(prompt);
    expect(await printed(["template", "--name", "chatml", "-"], JSON.stringify({ model: "x", messages }))).toBe(prompt);
  });

  it("with a Jinja file and its variables", async () => {
    const jinja = path.join(folder, "own.jinja");
    writeFileSync(
      jinja,
      "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}" +
        "{% if think is defined and not think %}{{ n + 1 }}{{ who }}{% endif %}{% if add_generation_prompt %}A:{% endif %}",
    );
    const turns = "system: Be brief.\nuser: What is gout? Ü 漢 😀\n";
    expect(await printed(["template", "--jinja", jinja, conversation])).toBe(`${turns}A:`);
    const values = ["--set", "think=false", "--set", "n=2", "--set", "who=a=b"];
    const args = ["template", "--jinja", jinja, ...values, "--no-generation-prompt", conversation];
    expect(await printed(args)).toBe(`${turns}3a=b`);
  });

  it("with a model's own template, as the engine does", async () => {
    const engine = await Engine.load({ nCtx: 512, device: "cpu" });
    const { prompt } = engine.applyChatTemplate(messages);
    await engine.close();
    expect(await printed(["template", "--model", embeddedModel, conversation])).toBe(prompt);
    expect(await printed(["template", conversation])).toBe(prompt);
  });
});

describe("what cannot be rendered has status 1 and no word of the conversation:", () => {
  const words = "Johanna has a fever";
  const cases: [string, string[], string, RegExp][] = [
    ["JSON that ends early", ["--name", "chatml"], `[{"role":"user","content":"${words}`, /stdin is no valid JSON at /],
    ["text", ["--name", "chatml"], words, /stdin is no valid JSON/],
    ["no messages", ["--name", "chatml"], "{}", /messages/],
    ["a role twice over", ["--name", "llama2"], JSON.stringify([{ role: words, content: words }]), /role/],
    ["an unknown template", ["--name", "chatlm"], JSON.stringify(messages), /did you mean "chatml"/],
    ["a model without a template", ["--model", withoutChatTemplate(folder)], JSON.stringify(messages), /chat template/],
  ];
  it.each(cases)("%s", async (_name, args, input, message) => {
    const { status, stdout, stderr } = await run(["template", ...args], { input });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^medinfer: INVALID_ARGUMENT: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/fever/);
  });

  it("bytes that are no UTF-8", async () => {
    const { status, stderr } = await run(["template", "--name", "chatml"], { input: Uint8Array.of(0x5b, 0xff, 0x5d) });
    expect(status).toBe(1);
    expect(stderr).toBe("medinfer: INVALID_ARGUMENT: stdin is not UTF-8: convert it, e.g. with iconv\n");
  });
});
