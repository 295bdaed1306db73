/** What a request tells a chat template's own variables. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { jinjaTemplate } from "../../lib/chat/jinja.js";
import { registerChatTemplate } from "../../lib/chat/registry.js";
import { renderChat } from "../../lib/chat/render.js";
import type { TemplateArguments } from "../../lib/chat/types.js";
import { Engine } from "../../lib/engine.js";
import { llamaDir } from "../../scripts/lib/paths.mjs";
import { collect, rejection, thrown } from "./support/collect.js";
import { nativeEvent, type FakeAddon } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

let addon: FakeAddon;
beforeEach(() => {
  addon = useFakeAddon();
});

const messages = [{ role: "user", content: "Q" }];
const render = (template: string, templateArguments: TemplateArguments, addGenerationPrompt = true) =>
  renderChat(template, messages, { templateArguments, addGenerationPrompt }).prompt;
const refusal = (template: string, templateArguments: unknown) =>
  thrown(() => render(template, templateArguments as TemplateArguments));

/** As Qwen3 has it: a model that is not to think is shown an empty thought. */
const thinks =
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n" +
  "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}";
const asked = "<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n";
const noThought = "<think>\n\n</think>\n\n";

describe("templateArguments", () => {
  it("are the variables of a Jinja template", () => {
    expect(render(thinks, {})).toBe(asked);
    expect(render(thinks, { enable_thinking: true })).toBe(asked);
    expect(render(thinks, { enable_thinking: false })).toBe(asked + noThought);
    registerChatTemplate("thinks", thinks);
    expect(render("thinks", { enable_thinking: false })).toBe(asked + noThought);
    const kinds = "{{ messages[0].content }} {{ a }} {{ b + 1 }} {{ c / 2 }} {{ d is true }} {{ date_string }}";
    expect(render(kinds, { a: "x", b: 2, c: 1.5, d: true, date_string: "1 Jan 2026" })).toBe(
      "Q x 3 0.75 True 1 Jan 2026",
    );
  });

  it("are passed to a template that is a function", () => {
    registerChatTemplate("tells", (_messages, { templateArguments }) => JSON.stringify(templateArguments));
    expect(render("tells", { a: 1, b: "x", c: false })).toBe('{"a":1,"b":"x","c":false}');
    expect(renderChat("tells", messages).prompt).toBe("{}");
  });

  it.each([
    "messages",
    "add_generation_prompt",
    "bos_token",
    "eos_token",
    "pad_token",
    "tools",
    "range",
    "true",
    "loop",
  ])("cannot be %s", (name) => {
    registerChatTemplate("any", () => "x");
    for (const template of [thinks, "any", "vicuna"]) {
      const error = refusal(template, { [name]: "x" });
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", issues: [{ path: `templateArguments.${name}` }] });
      expect(error.message).toContain(`templateArguments.${name} is not for a request to set`);
    }
  });

  it.each([
    [{ a: null }, "templateArguments.a"],
    [{ a: NaN }, "templateArguments.a"],
    [{ a: Infinity }, "templateArguments.a"],
    [{ a: [1] }, "templateArguments.a"],
    [{ a: undefined }, "templateArguments.a"],
    [{ "": 1 }, "templateArguments."],
    [{ "a b": 1 }, "templateArguments.a b"],
    [{ "str.format": 1 }, "templateArguments.str.format"],
    [JSON.parse('{"__proto__": 1}'), "templateArguments.__proto__"],
    [[1], "templateArguments"],
    ["a", "templateArguments"],
    [null, "templateArguments"],
  ])("cannot be %j", (given, place) => {
    expect(refusal("{{ messages }}{{ a }}", given)).toMatchObject({
      code: "INVALID_ARGUMENT",
      issues: [{ path: place }],
    });
  });

  it("are refused by name where they would be ignored", () => {
    const none = (template: string) => refusal(template, { enable_thinking: false }).message;
    for (const template of ["vicuna", "chatml", "one_shot", "zephyr", "seed_oss"]) {
      expect(none(template)).toBe(
        `the chat template "${template}": templateArguments.enable_thinking has no effect, ` +
          "because the template has no variables: leave it out",
      );
    }
    expect(none("{{ messages[0].content }}")).toContain("the template has no variables");
    expect(refusal(thinks, { enable_thinkin: false })).toMatchObject({
      code: "INVALID_ARGUMENT",
      issues: [{ path: "templateArguments.enable_thinkin" }],
      message: expect.stringContaining("did you mean enable_thinking?") as string,
    });
    expect(render("vicuna", {})).toBe("USER: Q\nASSISTANT:");
  });

  it("are not quoted where the template refuses", () => {
    const raises = "{{ messages[0].content }}{{ raise_exception('bad ' ~ level) }}";
    expect(refusal(raises, { level: "SECRET" }).message).not.toContain("SECRET");
    expect(refusal(raises, { level: 5 }).message).toContain("bad 5");
  });
});

describe("what a Jinja template reads", () => {
  const read = (jinja: string) => [...jinjaTemplate(`{{ messages }}${jinja}`).variables].sort();

  it.each([
    ["{{ a }}{% if b is defined and not c %}{{ d.e[f] }}{% endif %}", ["a", "b", "c", "d", "f"]],
    ["{{ a | default(b) | trim }}{{ g(c, k=d) }}{{ {'x': h}['x'] }}", ["a", "b", "c", "d", "h"]],
    ["{{ x if y else z }}{{ s[i:j] }}", ["i", "j", "s", "x", "y", "z"]],
    // What it gives a value itself is not read from outside, unless that depends on something.
    ["{% set a = b %}{{ a }}", ["b"]],
    ["{% if a is not defined %}{% set a = 1 %}{% endif %}{{ a }}", ["a"]],
    ["{% if b %}{% set a = 1 %}{% else %}{% set a = 2 %}{% endif %}{{ a }}", ["b"]],
    ["{% set ns = namespace(a=b) %}{% set ns.c = d %}{{ ns.a }}", ["b", "d"]],
    ["{% set a %}{{ b }}{% endset %}{{ a }}", ["b"]],
    ["{% for a, b in c if a %}{{ loop.index }}{{ b }}{% else %}{{ d }}{% endfor %}{{ b }}", ["b", "c", "d"]],
    ["{% macro m(a, b=c) %}{{ a }}{{ b }}{{ d }}{% endmacro %}{{ m(e) }}{{ a }}", ["a", "c", "d", "e"]],
    ["{% macro m(a) %}{{ caller(a) }}{% endmacro %}{% call(b) m(c) %}{{ b }}{{ d }}{% endcall %}", ["c", "d"]],
    ["{% filter upper %}{{ a }}{% endfilter %}", ["a"]],
  ])("%s", (jinja, names) => expect(read(jinja)).toEqual(names));
});

describe("an engine's requests", () => {
  const textOf = (id: number) =>
    addon.engine.requests
      .get(id)!
      .prompt.map((part) => ("text" in part ? part.text : "#"))
      .join("");
  const templateArguments = { enable_thinking: false };

  it("pass them to the template", async () => {
    const engine = await Engine.load({ chatTemplate: thinks });
    addon.engine.onSubmit = (id) => addon.engine.emit(id, nativeEvent.done());
    await engine.chat({ messages, templateArguments }).result;
    await engine.chat({ messages }).result;
    const rows = [{ prompt: "Q" }, { prompt: "Q" }];
    await collect(engine.annotate(rows, { systemPrompt: "", templateArguments }));
    expect([1, 2, 3, 4].map(textOf)).toEqual([asked + noThought, asked, asked + noThought, asked + noThought]);
    expect(engine.applyChatTemplate(messages, { templateArguments }).prompt).toBe(asked + noThought);
    expect(engine.applyChatTemplate(messages, { templateArguments, addGenerationPrompt: false }).prompt).toBe(
      "<|im_start|>user\nQ<|im_end|>\n",
    );
  });

  it("refuse what would be ignored", async () => {
    const engine = await Engine.load();
    const failure = { code: "INVALID_ARGUMENT", issues: [{ path: "templateArguments.enable_thinking" }] };
    expect(await rejection(engine.chat({ messages, templateArguments }).result)).toMatchObject(failure);
    expect(thrown(() => engine.applyChatTemplate(messages, { templateArguments }))).toMatchObject(failure);
    expect(await collect(engine.annotate([{ prompt: "Q" }], { templateArguments }))).toMatchObject([
      { error: failure },
    ]);
    const untemplated = { useChatTemplate: false, templateArguments };
    expect(await rejection(engine.chat({ messages, ...untemplated }).result)).toMatchObject(failure);
    expect(await rejection(collect(engine.annotate([], untemplated)))).toMatchObject(failure);
    expect(await rejection(engine.complete({ prompt: "Q", templateArguments } as never).result)).toMatchObject({
      issues: [{ path: "templateArguments" }],
    });
  });

  it("refuse one that holds a control token: it would act", async () => {
    const engine = await Engine.load({ chatTemplate: "{{ persona }}: {{ messages[0].content }}" });
    const error = await rejection(engine.chat({ messages, templateArguments: { persona: "a</s>b" } }).result);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", issues: [{ path: "templateArguments.persona" }] });
    expect(error.message).not.toContain("</s>");
  });
});

const folder = path.join(llamaDir, "models", "templates");

// They come with llama.cpp's source (npm run fetch:llama).
describe.skipIf(!existsSync(folder))("a real model's template", () => {
  const source = (file: string) => readFileSync(path.join(folder, file), "utf8");

  it("of Qwen3 thinks unless an argument says not to", () => {
    const qwen3 = source("Qwen-Qwen3-0.6B.jinja");
    expect(render(qwen3, { enable_thinking: true })).toBe(asked);
    expect(render(qwen3, { enable_thinking: false })).toBe(asked + noThought);
    expect(render(qwen3, { enable_thinking: false }, false)).toBe("<|im_start|>user\nQ<|im_end|>\n");
    const qwen35 = source("Qwen3.5-4B.jinja");
    expect(render(qwen35, { enable_thinking: true })).toBe(`${asked}<think>\n`);
    expect(render(qwen35, { enable_thinking: false })).toBe(asked + noThought);
  });

  it("of gpt-oss and Llama 3.2 takes an effort and a date", () => {
    expect(render(source("openai-gpt-oss-120b.jinja"), { reasoning_effort: "high" })).toContain("Reasoning: high");
    const llama = source("meta-llama-Llama-3.2-3B-Instruct.jinja");
    expect(render(llama, { date_string: "01 Jan 2026" })).toContain("Today Date: 01 Jan 2026");
    expect(refusal(llama, { enable_thinking: false })).toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
