/** A last answer that is continued: the prompt ends inside it. */
import { existsSync } from "node:fs";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../lib/engine.js";
import { registerChatTemplate } from "../../lib/chat/registry.js";
import { renderChat } from "../../lib/chat/render.js";
import { ownTemplates } from "../../lib/chat/templates/own.js";
import type { ChatMessage, TextMessage } from "../../lib/chat/types.js";
import { llamaDir } from "../../scripts/lib/paths.mjs";
import { SeededRandom } from "../support/seeded-random.mjs";
import { modelTemplates } from "../templates/compare.mjs";
import { rejection, thrown } from "./support/collect.js";
import { controlTexts, type FakeAddon } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

let addon: FakeAddon;
beforeEach(() => {
  addon = useFakeAddon();
});

const continueFinalMessage = true;
const talk = (answer: string, more = {}): TextMessage[] => [
  { role: "system", content: "S" },
  { role: "user", content: "Q1" },
  { role: "assistant", content: "A1" },
  { role: "user", content: "Q2" },
  { role: "assistant", content: answer, ...more },
];
const continued = (template: string, answer: string, more = {}) =>
  renderChat(template, talk(answer, more), { continueFinalMessage });

describe("continueFinalMessage", () => {
  it("ends the prompt with the answer's text, and tells which", () => {
    expect(continued("chatml", "It is")).toEqual({
      prompt:
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ1<|im_end|>\n<|im_start|>assistant\nA1<|im_end|>\n" +
        "<|im_start|>user\nQ2<|im_end|>\n<|im_start|>assistant\nIt is",
      stopStrings: [],
      prefill: "It is",
    });
    expect(continued("vicuna", "It is ").prompt).toMatch(/ASSISTANT: It is $/);
    expect(continued("chatml", "").prompt).toMatch(/assistant\n$/);
    expect("prefill" in renderChat("chatml", talk("It is"))).toBe(false);
  });

  const answers = [
    "It is",
    "It is ",
    "\n\nIt is\n",
    "Q2",
    "A1",
    "S",
    "",
    "发烧 🤒",
    "</s>",
    "<think>Hm.</think>It",
    '{"a": [1,',
  ];

  it.each([...ownTemplates.keys()])("%s: the prompt is the beginning of the whole conversation", (name) => {
    for (const answer of answers) {
      const whole = renderChat(name, talk(answer), { addGenerationPrompt: false }).prompt;
      let prompt: string;
      try {
        ({ prompt } = continued(name, answer));
      } catch (error) {
        // This one cuts off white space.
        expect([name, (error as Error).message]).toEqual(["llama2-sys-strip", expect.stringContaining("white space")]);
        expect(answer).not.toBe(answer.trim());
        continue;
      }
      expect(prompt.endsWith(answer)).toBe(true);
      expect(whole.startsWith(prompt)).toBe(true);
      expect(whole.length).toBeGreaterThan(prompt.length);
    }
  });

  // They come with llama.cpp's source (npm run fetch:llama).
  it.skipIf(!existsSync(llamaDir))(
    "goes on from any cut of an answer in the templates of real models, or is refused",
    () => {
      const random = new SeededRandom(3);
      const answer = "The dose is 200 mg,\ni.e. <b>10 mg</b> for each kg. {x} 发烧";
      const outcome = { continued: 0, refused: 0 };
      for (const [name, source] of modelTemplates()) {
        for (let i = 0; i < 6; i++) {
          const cut = answer.slice(0, random.int(1, answer.length));
          const messages = name.includes("gemma-2") ? talk(cut).slice(1) : talk(cut);
          let prompt: string;
          try {
            ({ prompt } = renderChat(source, messages, { continueFinalMessage }));
          } catch (error) {
            // Some cut off white space at the ends, some refuse an answer at the end, and one loses the system message then.
            if (!cut.endsWith(" ") && !cut.endsWith("\n"))
              expect((error as Error).message).toMatch(/refuses|system.*leaves out its text/);
            outcome.refused++;
            continue;
          }
          expect(prompt.endsWith(cut), name).toBe(true);
          expect(renderChat(source, messages, { addGenerationPrompt: false }).prompt.startsWith(prompt), name).toBe(
            true,
          );
          outcome.continued++;
        }
      }
      expect(outcome.continued).toBeGreaterThan(350);
    },
    60_000,
  );

  it("keeps the answer's reasoning, or is refused", () => {
    const write = (reasoning: string) =>
      `{% for m in messages %}[{{ m.role }}]${reasoning}{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}`;
    const keeps = write("{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}");
    expect(continued(keeps, "It", { reasoning: "Hm." }).prompt).toMatch(/\[assistant\]<think>Hm\.<\/think>It$/);
    const error = thrown(() => continued(write(""), "It", { reasoning: "Hm." }));
    expect(error.message).toContain('[4].reasoning is left out by the chat template "(Jinja)"');
    expect(renderChat(write(""), talk("It", { reasoning: "Hm." })).prompt).toMatch(/\[assistant\]It\[assistant\]$/);
  });

  it.each<[string, string, string]>([
    ["trims it", "{{ m.content | trim }}", "changes the white space at its ends: take it away"],
    ["changes it", "{{ m.content | replace('is', 'was') }}", "changes its text"],
    ["looks at its end", "{% if m.content.endswith('is ') %}!{% endif %}{{ m.content }}", "changes the white space"],
    ["drops it", "{% if m.role == 'user' %}{{ m.content }}{% endif %}", "leaves out its text"],
  ])("is refused where the template %s", (_, written, wanted) => {
    const template = `{% for m in messages %}[{{ m.role }}]${written}{% endfor %}`;
    const error = thrown(() =>
      renderChat(
        template,
        [
          { role: "user", content: "Q" },
          { role: "assistant", content: "It is " },
        ],
        { continueFinalMessage },
      ),
    );
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", issues: [{ path: "messages[1]" }] });
    expect(error.message).toContain(`cannot be continued: the chat template "(Jinja)" ${wanted}`);
  });

  it("is refused where what follows the answer would be lost", () => {
    const reversed = "{% for m in messages | reverse %}[{{ m.role }}]{{ m.content }}{% endfor %}";
    expect(thrown(() => continued(reversed, "It")).message).toContain("leaves out its text");
  });

  it("needs an answer of text, last and without calls", () => {
    const refused = (messages: TextMessage[], options = {}) =>
      thrown(() => renderChat("chatml", messages, { continueFinalMessage, ...options })).message;
    expect(refused([{ role: "user", content: "Q" }])).toContain(
      "[0] must be the assistant's with continueFinalMessage",
    );
    const called: TextMessage = { role: "assistant", toolCalls: [{ id: "a", name: "look", arguments: {} }] };
    expect(refused([{ role: "user", content: "Q" }, called])).toContain("[1] cannot be continued: it ends with calls");
    expect(refused(talk("It"), { addGenerationPrompt: true })).toContain("leaves no room for addGenerationPrompt");
    expect(() => renderChat("chatml", talk("It"), { continueFinalMessage, addGenerationPrompt: false })).not.toThrow();
  });

  it("holds for a function, and for llama.cpp's own", () => {
    registerChatTemplate("lines", (turns) => turns.map(({ role, content }) => `${role}: ${content}\n`).join(""));
    expect(continued("lines", "It is ").prompt).toBe("system: S\nuser: Q1\nassistant: A1\nuser: Q2\nassistant: It is ");
    expect(continued("zephyr", "It is").prompt).toMatch(/<\|assistant\|>\nIt is$/);
  });

  it("reaches the model from engine.chat, with control tokens in it as text", async () => {
    const engine = await Engine.load({ chatTemplate: "chatml" });
    const messages = talk(`It ${controlTexts[3]!} is`) as ChatMessage[];
    engine.chat({ messages, continueFinalMessage });
    const { prompt } = addon.engine.requests.get(1)!;
    expect(prompt.slice(-3)).toEqual([
      { text: expect.stringMatching(/<\|im_start\|>assistant\nIt $/) as string, parseSpecial: true },
      { text: controlTexts[3], parseSpecial: false },
      { text: " is", parseSpecial: true },
    ]);
    expect(engine.applyChatTemplate(messages, { continueFinalMessage })).toMatchObject({
      prefill: `It ${controlTexts[3]!} is`,
    });
    const bare = engine.chat({ messages, continueFinalMessage, useChatTemplate: false });
    expect((await rejection(bare.result)).message).toContain("continueFinalMessage has no effect with useChatTemplate");
    const image = { type: "image" as const, image: new Uint8Array([1]) };
    const seen = [messages[0]!, { role: "assistant", content: [image, { type: "text" as const, text: "It" }] }];
    expect(() => engine.applyChatTemplate(seen, { continueFinalMessage })).toThrow(
      "cannot be continued: it holds an image",
    );
    await engine.close();
  });
});
