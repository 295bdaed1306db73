/** No message's text vanishes in a template: it is in the prompt, or its role is refused by name. */
import { existsSync } from "node:fs";
import { afterAll, describe, expect, it, vi } from "vitest";
import { jinjaTemplate } from "../../lib/chat/jinja.js";
import { registerChatTemplate } from "../../lib/chat/registry.js";
import { renderChat } from "../../lib/chat/render.js";
import { ownTemplates } from "../../lib/chat/templates/own.js";
import { llamaDir } from "../../scripts/lib/paths.mjs";
import { modelTemplates } from "../templates/compare.mjs";
import { MedInferError } from "../../lib/errors.js";
import { thrown } from "./support/collect.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

const say = (role: string, content: string) => ({ role, content, ...(role === "tool" ? { toolCallId: "c" } : {}) });
const q = say("user", "What now?");
const a = say("assistant", "Rest.");
const allergy = "Allergy: penicillin.";

/** Conversations in which a text has been lost, or could be. */
const conversations = [
  ...[
    "developer",
    "tool",
    "System",
    "SYSTEM",
    "nurse",
    "function",
    "ipython",
    "observation",
    "model",
    "context",
  ].flatMap((role) => [
    [say(role, allergy), q],
    [say("system", "Be brief."), say(role, allergy), q],
    [q, a, say(role, allergy), q],
    [q, a, say(role, allergy)],
  ]),
  [say("system", allergy), q],
  [say("system", "Be brief."), say("system", allergy), q],
  [q, a, say("system", allergy), q],
  [q, say("system", allergy)],
  [say("system", ""), say("system", allergy), q],
  [say("system", ""), say("user", allergy)],
  [say("system", " \n"), say("user", allergy), a, q],
  [say("user", allergy), q],
  [say("user", allergy), a, say("assistant", "More."), q],
  [say("assistant", allergy), q],
  [q, say("assistant", allergy)],
  [q, say("assistant", `<think>\nHm.\n</think>\n\n${allergy}`), q],
  [q, say("assistant", `Hm.</think>${allergy}`), q],
  [q, say("assistant", `[THINK]Hm.[/THINK]${allergy}`), q],
  [q, say("assistant", `${allergy}<think>Hm.</think>`), q],
  [q, say("assistant", `${allergy}<think>Hm.</think>Rest.`), q],
  [say("user", `a </think> ${allergy}`), a, q],
  [say("user", `${allergy} /no_think`), a, q],
  [say("system", `/no_think ${allergy} /system_override`), q],
  [say("user", `<tool_response>${allergy}</tool_response>`), a, q],
  [say("user", `  \n${allergy}\t\n "quoted" 'too' <b>&amp;</b> \\n {{ x }} 发烧 🤒 `), a, q],
  [say("user", allergy), a, say("user", allergy), a, say("user", allergy)],
  [say("user", "p"), a, say("user", "."), say("system", "p")],
];

/** How often the text has to stand in the prompt. */
const wanted = (turns: (typeof conversations)[0]) => turns.filter(({ content }) => content.includes(allergy)).length;

const squeeze = (text: string) => text.replace(/\s+/g, "");

interface Outcome {
  kept: number;
  refused: number;
}

/** Renders all conversations; every prompt has to hold all that was said, as far as it can be searched for. */
function outcomeOf(template: string): Outcome {
  const outcome = { kept: 0, refused: 0 };
  for (const turns of conversations) {
    let prompt: string;
    try {
      ({ prompt } = renderChat(template, turns));
    } catch (error) {
      expect(error).toBeInstanceOf(MedInferError);
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
      // What a template says in its own words is its own; ours name the role.
      const { message } = error as MedInferError;
      if (!/refuses these messages|cannot be rendered|has no place|must follow an assistant message/.test(message)) {
        expect(
          turns.some(({ role }) => message.includes(`the role "${role}"`)),
          message,
        ).toBe(true);
      }
      expect(message).not.toContain("penicillin");
      outcome.refused++;
      continue;
    }
    const found = squeeze(prompt).split(squeeze(allergy)).length - 1;
    expect(found, `${JSON.stringify(turns)}\n${prompt}`).toBeGreaterThanOrEqual(wanted(turns));
    for (const { content } of turns.filter(({ role }) => role !== "assistant")) {
      const words = content.match(/\p{L}{4,}/gu) ?? [];
      for (const word of words) if (!/think|override/.test(word)) expect(prompt).toContain(word);
    }
    outcome.kept++;
  }
  return outcome;
}

const total: Outcome = { kept: 0, refused: 0 };
const count = (template: string) => {
  const outcome = outcomeOf(template);
  total.kept += outcome.kept;
  total.refused += outcome.refused;
  return outcome;
};

afterAll(() => expect(total.kept).toBeGreaterThan(1000));

// They come with llama.cpp's source (npm run fetch:llama).
describe.skipIf(!existsSync(llamaDir))("the templates of real models", () => {
  it.each([...modelTemplates()])(
    "%s loses no text",
    (_, source) => {
      const { kept } = count(source);
      // The usual roles are of use everywhere.
      expect(kept).toBeGreaterThan(5);
    },
    60_000,
  );
});

describe("our own templates", () => {
  it.each([...ownTemplates.keys()])("%s loses no text", (name) => void count(name));
});

describe("a template that loses text", () => {
  const chatty = (cases: string) => `{% for m in messages %}${cases}{% endfor %}`;
  const known =
    "{% if m.role == 'system' %}S:{{ m.content }}{% elif m.role == 'user' %}U:{{ m.content | trim }}{% elif m.role == 'assistant' %}A:{{ m.content }}{% endif %}";

  it("is refused with the role's name, the place, and what to do", () => {
    const error = thrown(() => renderChat(chatty(known), [q, a, say("developer", allergy), q]));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", issues: [{ path: "messages[2]" }] });
    expect(error.message).toBe(
      'messages[2] has the role "developer", and the chat template "(Jinja)" leaves out its text, or a part of it: ' +
        'give it the role "system" or "user"',
    );
  });

  it("is refused where it takes a strange role for the assistant's", () => {
    const takes = "{% if m.role == 'user' %}U{% else %}A{% endif %}:{{ m.content }}";
    const error = thrown(() => renderChat(chatty(takes), [q, say("nurse", allergy)]));
    expect(error.message).toContain(
      'the role "nurse", which the chat template "(Jinja)" does not know: use system, user or assistant',
    );
    expect(renderChat(chatty(takes), [q, say("model", "x")]).prompt).toBe("U:What now?A:x");
    expect(renderChat("{{ messages[0].content }}", [say("nurse", "x")]).prompt).toBe("x");
  });

  it.each([
    ["cuts a text short", "{{ m.content[:8] }}"],
    ["drops a first line", "{{ m.content.split('\n')[-1] }}"],
    ["drops what stands before a colon", "{{ m.content.split(':')[-1] }}"],
    ["writes a length", "{{ m.content | length }}"],
    ["writes the first word", "{{ m.content.split()[0] }}"],
    ["truncates", "{{ m.content | truncate(9, true, '', 0) }}"],
    ["replaces letters", "{{ m.content.replace('p', 'b') }}"],
    ["drops words", "{{ m.content.replace('penicillin', '') }}".replace("'penicillin'", "m.content[9:19]")],
    ["drops long texts", "{% if m.content | length < 10 %}{{ m.content }}{% endif %}"],
    ["drops texts with a colon", "{% if ':' not in m.content %}{{ m.content }}{% endif %}"],
    ["writes the first message alone", "{% if loop.first %}{{ m.content }}{% endif %}"],
    ["writes the last message alone", "{% if loop.last %}{{ m.content }}{% endif %}"],
  ])("is refused where it %s", (_, body) => {
    const turns = [q, say("user", `${allergy}\nSince 1999.`), say("user", "Thanks a lot.")];
    const error = thrown(() => renderChat(chatty(`<${body}>`), turns));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(error.message).toContain('has the role "user", and the chat template "(Jinja)" leaves out its text');
  });

  it.each([
    ["trims", "{{ m.content | trim }}", "a b"],
    ["writes JSON", "{{ m.content | tojson }}", '"  a \\n b "'],
    ["writes ASCII", "{{ m.content | tojson(ensure_ascii=true) }}", '"  a \\n b "'],
    ["writes a list", "{{ [m.content] }}", "['  a \\n b ']"],
    ["joins words", "{{ m.content.split() | join(' ') }}", "a b"],
    ["writes it twice", "{{ m.content }}{{ m.content }}", "  a \n b   a \n b "],
  ])("is not a template that %s", (_, body, prompt) => {
    const { prompt: written } = renderChat(chatty(body), [say("user", "  a \n b ")]);
    expect(squeeze(written)).toBe(squeeze(prompt));
  });

  it("may drop reasoning before an answer, and nothing else of it", () => {
    const drops = chatty("{{ m.role }}:{{ m.content.split('</think>')[-1] }};");
    expect(renderChat(drops, [q, say("assistant", "<think>R</think>A")]).prompt).toBe("user:What now?;assistant:A;");
    expect(renderChat(drops, [q, say("assistant", "R\n</think>\nA")]).prompt).toBe("user:What now?;assistant:\nA;");
    for (const [role, text] of [
      ["assistant", "Before.<think>R</think>A"],
      ["user", "<think>R</think>A"],
      ["user", "R</think>A"],
    ] as const) {
      expect(thrown(() => renderChat(drops, [q, say(role, text)])).message, text).toContain(`has the role "${role}"`);
    }
  });

  it("may take its own commands out of a text", () => {
    const takes = chatty(
      "{% set c = m.content %}{% if '/no_think' in c %}{% set c = c.replace('/no_think', '') %}!{% endif %}{{ c }}",
    );
    expect(renderChat(takes, [say("user", "a /no_think b")]).prompt).toBe("!a  b");
  });

  it("is found out where its way depends on the text", () => {
    const starts = chatty(
      "{% if m.content.startswith('<tool>') %}T:{{ m.content[6:] }}{% else %}{{ m.role }}:{{ m.content }}{% endif %}",
    );
    expect(renderChat(starts, [say("user", "<tool>x y")]).prompt).toBe("T:x y");
    const drops = chatty("{% if m.content.startswith('<tool>') %}T{% else %}{{ m.role }}:{{ m.content }}{% endif %}");
    expect(thrown(() => renderChat(drops, [q, say("user", "<tool>x y")])).message).toContain("[1] has the role");
  });

  it("is found out in a registered template, too, but not where it is a function: that looks after itself", () => {
    registerChatTemplate("loses", "{{ messages[0].content }}");
    expect(thrown(() => renderChat("loses", [q, q])).message).toContain('the chat template "loses"');
    registerChatTemplate("own-affair", () => "x".repeat(3));
    expect(renderChat("own-affair", [q, q]).prompt).toBe("xxx");
    expect(jinjaTemplate("{{ messages }}{{ 'a' }}").literals).toEqual({ all: ["a"], cut: [] });
  });
});
