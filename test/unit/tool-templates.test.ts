/** Tools, calls, results and reasoning in the templates of real models, against what Python's Jinja makes of them. */
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ControlTokens } from "../../lib/chat/control-tokens.js";
import { jinjaTemplate } from "../../lib/chat/jinja.js";
import { findTemplate } from "../../lib/chat/registry.js";
import { renderChat, renderPieces } from "../../lib/chat/render.js";
import { messagesSchema } from "../../lib/chat/schema.js";
import { toolsSchema } from "../../lib/chat/tool-schema.js";
import { parse } from "../../lib/validation/parse.js";
import { llamaDir } from "../../scripts/lib/paths.mjs";
import { fromRoot } from "../support/paths.mjs";
import { chatCases, formOf, ownRefusal, renderCase } from "../templates/chats.mjs";
import { digest, modelTemplates, now, refused } from "../templates/compare.mjs";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));
beforeAll(() => void vi.useFakeTimers({ now, toFake: ["Date"] }));
afterAll(() => void vi.useRealTimers());

const stored = JSON.parse(readFileSync(fromRoot("test", "templates", "stored", "chats.json"), "utf8")) as Record<
  string,
  string
>;

// They come with llama.cpp's source (npm run fetch:llama).
describe.skipIf(!existsSync(llamaDir))("the templates of real models", () => {
  const templates = [...modelTemplates()];
  const total = { guarded: 0, equal: 0, refusedByBoth: 0, losesText: 0 };

  it.each(templates)("%s is known for what it takes", (name, source) => {
    const form = formOf(name);
    const found = jinjaTemplate(source);
    expect(found).toMatchObject({ tools: form.tools, hasSystem: form.system });
    if (form.tools === "own") {
      expect(found).toMatchObject({ callArguments: form.arguments, parallelCalls: form.parallel });
    }
  });

  it.each(templates)("%s is what Python makes of it, with tools", { timeout: 60_000 }, (name, source) => {
    const wanted = stored[name]!.match(/.{8}/g)!;
    expect(wanted).toHaveLength(chatCases.length);
    const wrong = chatCases.filter((one, i) => {
      const { text, error } = renderCase(renderChat, source, one);
      const isEqual = digest(text) === wanted[i];
      const losesText = !isEqual && ownRefusal.test(error?.message ?? "");
      if (losesText) total.losesText++;
      else if (isEqual) total[text === undefined ? "refusedByBoth" : "equal"]++;
      return !isEqual && !losesText;
    });
    expect(wrong.map(({ name: conversation }) => conversation)).toEqual([]);
  });

  it.each(templates)("%s: no text in a call, a result or a tool acts as a control token", (_, source) => {
    const { literals } = jinjaTemplate(source);
    const spelled = literals.all.flatMap((text) => text.match(/<[|｜/]?[\w▁ |｜]+>|\[\/?[A-Z_]+\]/g) ?? []);
    const control = new ControlTokens([...new Set([...spelled, "<|end|>", "</s>"])]);
    const evil = `a ${control.texts.join(" b ")} c`;
    const acting = (text: string) => {
      const made = { id: "call00001", name: "look", arguments: { [text]: text, list: [{ x: text }], n: 1 } };
      const said = [
        { role: "user", content: `First ${text}` },
        { role: "assistant", content: "", reasoning: text, toolCalls: [made] },
        { role: "tool", toolCallId: "call00001", content: text },
        { role: "assistant", content: text },
        { role: "user", content: text },
      ];
      const parameters = {
        type: "object",
        properties: { [text]: { type: "string", description: text, enum: [text] } },
      };
      const tools = parse(toolsSchema, [{ name: "look", description: text, parameters }], "x");
      const given = { bosToken: "", eosToken: "", padToken: "", templateArguments: {}, tools };
      try {
        const { pieces } = renderPieces(findTemplate(source), parse(messagesSchema, said, "x"), given, control);
        return control.countIn(pieces.map((piece) => ("text" in piece && piece.parseSpecial ? piece.text : "")));
      } catch (error) {
        // Kimi-K2's fail for every call: see the cases above.
        expect((error as Error).message).toMatch(/refuses these messages|cannot be rendered/);
        return undefined;
      }
    };
    const harmless = acting("a b c");
    expect(acting(evil)).toBe(harmless);
    if (harmless !== undefined) total.guarded++;
  });

  it("are rendered for the most part", () => {
    const all = templates.length * chatCases.length;
    expect(total.equal + total.refusedByBoth + total.losesText).toBe(all);
    expect(total.guarded).toBeGreaterThan(60);
    expect(total.equal).toBeGreaterThan(all * 0.85);
    expect(total.losesText).toBeGreaterThan(100);
    expect(refused).not.toBe(digest(""));
  });
});
