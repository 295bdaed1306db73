/** How much a model is to think, told by the variable that its template has for it. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../lib/engine.js";
import { registerChatTemplate } from "../../lib/chat/registry.js";
import { renderChat } from "../../lib/chat/render.js";
import type { RenderChatOptions } from "../../lib/chat/render.js";
import { llamaDir } from "../../scripts/lib/paths.mjs";
import { collect, thrown } from "./support/collect.js";
import { nativeEvent, type FakeAddon } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

let addon: FakeAddon;
beforeEach(() => {
  addon = useFakeAddon();
});

const messages = [{ role: "user", content: "Q" }];
const render = (template: string, options: RenderChatOptions) => renderChat(template, messages, options).prompt;
const reads = (...names: string[]) =>
  `{{ messages[0].content }}${names.map((name) => `|${name}={{ ${name} | default('-') }}`).join("")}`;

describe("reasoningEffort", () => {
  it.each<[string[], string, string]>([
    [["reasoning_effort"], "high", "Q|reasoning_effort=high"],
    [["thinking_effort"], "max", "Q|thinking_effort=max"],
    [["enable_thinking"], "low", "Q|enable_thinking=True"],
    [["enable_thinking"], "none", "Q|enable_thinking=False"],
    [["thinking"], "none", "Q|thinking=False"],
    [["reasoning_effort", "enable_thinking"], "high", "Q|reasoning_effort=high|enable_thinking=True"],
    [["reasoning_effort", "enable_thinking"], "none", "Q|reasoning_effort=-|enable_thinking=False"],
    // The first of the switches is theirs, the other one follows it.
    [["enable_thinking", "thinking"], "none", "Q|enable_thinking=False|thinking=-"],
    [["thinking_mode"], "none", "Q|thinking_mode=disabled"],
    [["thinking_mode"], "high", "Q|thinking_mode=enabled"],
    [["thinking_budget"], "none", "Q|thinking_budget=0"],
  ])("becomes what the template reads: %j, %s", (names, reasoningEffort, wanted) => {
    expect(render(reads(...names), { reasoningEffort })).toBe(wanted);
  });

  it("is the template's own word for none, where it has one", () => {
    const level = (words: string) =>
      `{{ messages[0].content }}{{ reasoning_effort }}{% if reasoning_effort == '${words}' %}{% endif %}`;
    expect(render(level("no_think"), { reasoningEffort: "none" })).toBe("Qno_think");
    expect(render(level("minimal"), { reasoningEffort: "none" })).toBe("Qminimal");
    expect(thrown(() => render(level("medium"), { reasoningEffort: "none" })).message).toContain(
      "reasoningEffort must not be none: the template cannot turn reasoning off",
    );
  });

  it("is refused where nothing reads it, or says it twice", () => {
    const refusal = (template: string, options: RenderChatOptions) => thrown(() => render(template, options));
    expect(refusal("vicuna", { reasoningEffort: "low" })).toMatchObject({
      code: "INVALID_ARGUMENT",
      issues: [{ path: "reasoningEffort" }],
      message: expect.stringContaining('the chat template "vicuna": reasoningEffort has no effect') as string,
    });
    expect(refusal(reads("x"), { reasoningEffort: "low" }).message).toContain("has no effect");
    expect(refusal(reads("thinking_budget"), { reasoningEffort: "low" }).message).toContain(
      "give the template its templateArguments.thinking_budget",
    );
    const twice = { reasoningEffort: "low", templateArguments: { enable_thinking: false } };
    expect(refusal(reads("enable_thinking"), twice).message).toContain("sets enable_thinking, as templateArguments do");
    expect(refusal(reads("reasoning_effort"), { reasoningEffort: "a b" }).message).toContain("must be a word such as");
  });

  it("is an argument of a function", () => {
    registerChatTemplate("tells-effort", (_, { templateArguments }) => JSON.stringify(templateArguments));
    expect(render("tells-effort", { reasoningEffort: "none" })).toBe('{"reasoning_effort":"none"}');
  });

  it("reaches chats, rows and sessions", async () => {
    const engine = await Engine.load({ chatTemplate: reads("enable_thinking") });
    const prompt = () => (addon.engine.requests.get(addon.engine.lastId)!.prompt[0] as { text: string }).text;
    engine.chat({ messages, reasoningEffort: "none" });
    expect(prompt()).toBe("Q|enable_thinking=False");
    engine.session({ reasoningEffort: "high" }).chat("Q");
    expect(prompt()).toBe("Q|enable_thinking=True");
    addon.engine.onSubmit = (id) => addon.engine.emit(id, nativeEvent.done());
    await collect(engine.annotate([{ prompt: "Q" }], { reasoningEffort: "none", systemPrompt: "" }));
    expect(prompt()).toBe("Q|enable_thinking=False");
  });
});

const file = (name: string) => readFileSync(path.join(llamaDir, "models", "templates", name), "utf8");

// They come with llama.cpp's source (npm run fetch:llama).
describe.skipIf(!existsSync(llamaDir))("in the templates of real models", () => {
  it.each<[string, string, string]>([
    ["openai-gpt-oss-120b.jinja", "high", "Reasoning: high\n"],
    ["Qwen-Qwen3-0.6B.jinja", "none", "<think>\n\n</think>\n\n"],
    ["Kimi-K3.jinja", "low", "`thinking_effort=low`"],
    ["deepseek-ai-DeepSeek-V4.jinja", "max", "Reasoning Effort: Absolute maximum"],
    ["deepseek-ai-DeepSeek-V3.1.jinja", "high", "<｜Assistant｜><think>"],
    ["deepseek-ai-DeepSeek-V3.1.jinja", "none", "<think></think>"],
    ["tencent-Hy3.jinja", "none", "reasoning_effort:no_think"],
    ["tencent-Hy3.jinja", "low", "reasoning_effort:low"],
    ["ByteDance-Seed-OSS.jinja", "none", "your thinking budget is 0"],
    ["MiniMax-M3.jinja", "none", "Current thinking mode: disabled"],
  ])("%s: %s", (name, reasoningEffort, wanted) => {
    expect(render(file(name), { reasoningEffort })).toContain(wanted);
  });

  it("a level that a template does not know is refused in its words", () => {
    expect(thrown(() => render(file("Kimi-K3.jinja"), { reasoningEffort: "medium" })).message).toContain(
      "refuses these messages",
    );
    expect(thrown(() => render(file("openai-gpt-oss-120b.jinja"), { reasoningEffort: "none" })).message).toContain(
      "cannot turn reasoning off",
    );
    expect(thrown(() => render(file("Qwen-Qwen2.5-7B-Instruct.jinja"), { reasoningEffort: "low" })).message).toContain(
      "has no effect",
    );
  });
});
