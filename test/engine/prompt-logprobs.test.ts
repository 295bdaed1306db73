/** Logprobs of a prompt's own tokens, and answers that begin with their prompt. */
import type { Engine, GenerationEvent, PromptLogprob } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromRoot } from "../support/paths.mjs";
import { collect, errorOf, greedy, loadTiny, user } from "./support/engines.js";

const png = fromRoot("test", "fixtures", "images", "rgb.png");

let engine: Engine;
beforeAll(async () => {
  engine = await loadTiny({ kv: { type: "f32" } });
});
afterAll(() => engine.close());

const few = { sampling: greedy, nPredict: 4, ignoreEos: true };
const textsOf = (tokens: readonly (PromptLogprob | null)[]) => tokens.map((token) => token?.text ?? "").join("");
const textOf = (events: readonly GenerationEvent[]) =>
  events.map((event) => (event.type === "text" ? event.text : "")).join("");

describe("promptLogprobs", () => {
  it("have an entry for each token, the first without a logprob", async () => {
    const prompt = "What is hypertension? It is a blood pressure above 140 to 90 mmHg; Müller's text.";
    const { promptLogprobs, logprobs, usage } = await engine.complete({ prompt, promptLogprobs: 3, ...few }).result;
    expect(logprobs).toBeUndefined();
    expect(promptLogprobs).toHaveLength(usage.promptTokens);
    const [first, ...others] = promptLogprobs as PromptLogprob[];
    expect(first).toMatchObject({ logprob: null, top: [] });
    const bytes = Buffer.from((promptLogprobs as PromptLogprob[]).flatMap((token) => token.bytes)).toString();
    expect(bytes.endsWith(prompt.slice(1))).toBe(true);
    for (const { id, logprob, top } of others) {
      expect(top).toHaveLength(3);
      expect(top[0]!.logprob).toBeGreaterThanOrEqual(logprob!);
      const same = top.find((each) => each.id === id);
      if (same !== undefined) expect(same.logprob).toBe(logprob);
    }
  });

  it("are what a score says of the same tokens", async () => {
    for (const [prompt, candidate] of [
      ["USER: Hello\nASSISTANT:", " I am a tiny demonstration model and nothing more"],
      ["A fever", " is a temperature above 38 °C, a cough is not"],
    ] as const) {
      const { candidates } = await engine.score({ prompt, candidates: [candidate], cacheSalt: "score" });
      const whole = await engine.complete({ prompt: prompt + candidate, promptLogprobs: true, ...few }).result;
      const { tokenIds, tokenLogprobs } = candidates[0]!;
      const tail = (whole.promptLogprobs as PromptLogprob[]).slice(-tokenIds.length);
      expect(tail.map(({ id }) => id)).toEqual(tokenIds);
      tail.forEach(({ logprob, top }, i) => {
        expect(logprob).toBeCloseTo(tokenLogprobs[i]!, 3);
        expect(top).toEqual([]);
      });
    }
  });

  it("are computed anew where the prefix cache has the prompt, and change no answer", async () => {
    const ask = { messages: user("What is gout? ".repeat(20)), sampling: greedy, nPredict: 8 };
    const plain = await engine.chat(ask).result;
    const told = await engine.chat({ ...ask, promptLogprobs: true }).result;
    expect(told.usage.cachedTokens).toBe(0);
    expect(told.promptLogprobs).toHaveLength(plain.usage.promptTokens);
    expect(told.text).toBe(plain.text);
    expect((await engine.chat(ask).result).usage.cachedTokens).toBeGreaterThan(0);
  });

  it("are null for an image's tokens, and go on behind it", async () => {
    const ask = { messages: user("What does this say, and what not?"), images: [png] };
    const { promptLogprobs, usage } = await engine.chat({ ...ask, promptLogprobs: 1, ...few }).result;
    expect(promptLogprobs).toHaveLength(usage.promptTokens);
    expect(promptLogprobs!.filter((token) => token === null)).toHaveLength(usage.imageTokens);
    const behind = promptLogprobs!.slice(promptLogprobs!.lastIndexOf(null) + 1) as PromptLogprob[];
    expect(behind.every(({ logprob, top }) => logprob! <= top[0]!.logprob)).toBe(true);
    const prefix = promptLogprobs!.slice(0, promptLogprobs!.indexOf(null)) as PromptLogprob[];
    // Without its logprobs the model reads the image in the same way.
    const { prompt } = engine.applyChatTemplate([
      {
        role: "user",
        content: [
          { type: "image", image: png },
          { type: "text", text: "\nWhat does this say, and what not?" },
        ],
      },
    ]);
    const [before, after] = prompt.split("<__media__>") as [string, string];
    expect(textsOf(prefix).endsWith(before)).toBe(true);
    expect(textsOf(behind).trimStart()).toBe(after.trimStart());
    const cut = after.length - 12;
    const part = { type: "text" as const, text: before };
    const scored = await engine.score({
      prompt: [part, { type: "image", image: png }, { type: "text", text: after.slice(0, cut) }],
      candidates: [after.slice(cut)],
    });
    const { tokenIds, tokenLogprobs } = scored.candidates[0]!;
    const tail = behind.slice(-tokenIds.length);
    if (tail.every(({ id }, i) => id === tokenIds[i])) {
      tail.forEach(({ logprob }, i) => expect(logprob).toBeCloseTo(tokenLogprobs[i]!, 3));
    }
  });

  it("come in events before the text, in rows and in sessions, and to every choice", async () => {
    const ask = { prompt: "The patient has a fever and a cough. ".repeat(12), promptLogprobs: 2, ...few };
    const events = await collect(engine.complete(ask));
    const types = events.map(({ type }) => type);
    expect(types.lastIndexOf("promptLogprobs")).toBeLessThan(types.indexOf("text"));
    const { promptLogprobs } = events.at(-1) as Extract<GenerationEvent, { type: "done" }>;
    const streamed = events.flatMap((event) => (event.type === "promptLogprobs" ? event.tokens : []));
    expect(streamed).toEqual(promptLogprobs);

    const several = await engine.complete({ ...ask, n: 3 }).result;
    expect(several.choices!.map((choice) => choice.promptLogprobs)).toEqual(
      [1, 2, 3].map(() => several.promptLogprobs),
    );
    expect(several.promptLogprobs!.map((token) => token!.id)).toEqual(promptLogprobs!.map((token) => token!.id));
    const rows = await collect(engine.annotate([{ prompt: "a" }], { promptLogprobs: true, nPredict: 1 }));
    expect(rows[0]!.promptLogprobs).toHaveLength(rows[0]!.usage!.promptTokens);
    using session = engine.session();
    const turn = await session.chat({ content: "Hello", promptLogprobs: true, ...few }).result;
    const next = await session.chat({ content: "And?", promptLogprobs: true, ...few }).result;
    expect(turn.promptLogprobs).toHaveLength(turn.usage.promptTokens);
    expect(next.promptLogprobs).toHaveLength(next.usage.promptTokens);
  });

  it.each([-1, 101, 0.5, "yes"])("are not %s", async (promptLogprobs) => {
    const { message } = await errorOf(engine.complete({ prompt: "a", promptLogprobs } as never).result);
    expect(message).toMatch(/^engine\.complete: promptLogprobs must be true, false or an integer from 0 to 100/);
  });
});

describe("echo", () => {
  const prompt = "USER: Hello\nASSISTANT:";

  it("puts the prompt before the answer, in the result and in events", async () => {
    const plain = await engine.complete({ prompt, ...few }).result;
    const echoed = engine.complete({ prompt, echo: true, ...few });
    const events = await collect(echoed);
    const done = events.at(-1) as Extract<GenerationEvent, { type: "done" }>;
    expect(done.text).toBe(prompt + plain.text);
    expect(textOf(events)).toBe(done.text);
    expect(events.find(({ type }) => type === "text")).toEqual({ type: "text", text: prompt });
    expect(done.promptLogprobs).toBeUndefined();
  });

  it("with nProbs has the logprobs of all of it, and alone with nPredict 0", async () => {
    const { text, promptLogprobs, logprobs } = await engine.complete({ prompt, echo: true, nProbs: 2, ...few }).result;
    expect(promptLogprobs!.slice(1).every((token) => token!.top.length === 2)).toBe(true);
    expect(logprobs).toHaveLength(4);
    expect(text.startsWith(prompt)).toBe(true);
    const alone = await engine.complete({ prompt, echo: true, promptLogprobs: true, nPredict: 0 }).result;
    expect(alone.text).toBe(prompt);
    expect(alone.promptLogprobs).toHaveLength(alone.usage.promptTokens);
  });

  it("is read for no stop, no tag and no form", async () => {
    const stops = await engine.complete({ prompt, echo: true, stopStrings: ["Hello"], ...few }).result;
    expect(stops.finishReason).toBe("length");
    const regexes = await engine.complete({ prompt, echo: true, stopRegexes: ["Hel+o"], ...few }).result;
    expect(regexes.text).toBe(stops.text);
    const tags = { open: "USER", close: "ASSISTANT" };
    const thought = await engine.complete({ prompt, echo: true, thinkingTags: tags, ...few }).result;
    expect(thought.text).toBe(stops.text);
    const form = await engine.complete({ prompt, echo: true, jsonSchema: { enum: ["a", "b"] }, sampling: greedy })
      .result;
    expect(["a", "b"]).toContain(form.parsed);
    expect(form.text).toBe(prompt + JSON.stringify(form.parsed));
  });

  it("of token ids, images and choices", async () => {
    const ids = engine.tokenize(prompt, { parseSpecial: true });
    const text = engine.detokenize(ids, { special: true });
    const ofIds = await engine.complete({ prompt: ids, echo: true, ...few, n: 2 }).result;
    expect(ofIds.choices!.map((choice) => choice.text.startsWith(text))).toEqual([true, true]);
    const content = [
      { type: "image" as const, image: png },
      { type: "text" as const, text: "a card" },
    ];
    const ofImage = await engine.complete({ prompt: content, echo: true, ...few }).result;
    expect(ofImage.text.startsWith("<__media__>a card")).toBe(true);
    const best = await engine.complete({ prompt, echo: true, bestOf: 3, nPredict: 3 }).result;
    expect(best.text.startsWith(prompt)).toBe(true);
  });

  it("is no option of a chat", async () => {
    expect((await errorOf(engine.chat({ messages: user("a"), echo: true } as never).result)).message).toMatch(/echo/);
  });
});
