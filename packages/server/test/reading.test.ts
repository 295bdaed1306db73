/** Calls that read and write nothing: embeddings, rankings, decisions, tokens, prompts. */
import { readFileSync } from "node:fs";

import { Engine } from "medinfer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { randomModel } from "../../../test/support/random-model.mjs";
import { model, post, postJson, running, type Json } from "./support/running.js";

const embedder = "org/embedder:q4";
const reranker = "reranker";
const { url } = running({
  models: [
    { name: model, nThreads: 1, keepLoaded: true },
    { name: embedder, aliases: ["my-embed"], task: "embed", pooling: "mean", nThreads: 1 },
    { name: reranker, task: "rerank", model: randomModel("bert", { pooling: "rank", labels: 1 }), nThreads: 1 },
  ],
});

/** A name that no error may repeat. */
const patient = "Quackenbush";

async function failure(path: string, body: unknown): Promise<{ status: number; error: Json }> {
  const response = await post(`${url()}${path}`, body);
  const text = await response.text();
  expect(text).not.toContain(patient);
  return { status: response.status, error: JSON.parse(text).error };
}

describe("embeddings", () => {
  const path = "/v1/embeddings";
  const texts = ["Patient has a fever.", "Take one tablet daily.", "x"];
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load({ task: "embed", pooling: "mean", nThreads: 1 });
  });
  afterAll(() => engine.close());

  test("are the engine's, in the order of the texts", async () => {
    const { embeddings, usage } = await engine.embed(texts);
    const answer = await postJson(`${url()}${path}`, { model: embedder, input: texts });
    expect(answer).toMatchObject({ object: "list", model: embedder });
    expect(answer.data.map((each: Json) => each.index)).toEqual([0, 1, 2]);
    answer.data.forEach((each: Json, i: number) => {
      expect(each.object).toBe("embedding");
      each.embedding.forEach((value: number, j: number) => expect(value).toBeCloseTo(embeddings[i]![j]!, 5));
    });
    expect(answer.usage).toMatchObject({ prompt_tokens: usage.promptTokens, total_tokens: usage.promptTokens });
    expect(answer).not.toHaveProperty("truncated");
  });

  test("as base64 are the same floats, little-endian", async () => {
    const ask = { model: "my-embed", input: texts[0] };
    const floats = await postJson(`${url()}${path}`, { ...ask, encoding_format: "float" });
    const coded = await postJson(`${url()}${path}`, { ...ask, encoding_format: "base64", user: "u" });
    expect(coded.model).toBe(embedder);
    const bytes = Buffer.from(coded.data[0].embedding, "base64");
    const read = Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
    expect(read).toEqual(floats.data[0].embedding);
    expect(read).toHaveLength(engine.info.nRow);
  });

  test("have fewer dimensions where asked, of the length 1", async () => {
    const { data } = await postJson(`${url()}${path}`, { model: embedder, input: texts[0], dimensions: 8 });
    expect(data[0].embedding).toHaveLength(8);
    expect(Math.hypot(...data[0].embedding)).toBeCloseTo(1, 5);
    const { status } = await failure(path, { model: embedder, input: texts[0], dimensions: 100_000 });
    expect(status).toBe(400);
  });

  test("2048 texts in one request, in order, and not one more", async () => {
    const input = Array.from({ length: 2048 }, (_, i) => `${i % 7}`);
    const { data } = await postJson(`${url()}${path}`, { model: embedder, input, encoding_format: "base64" });
    expect(data).toHaveLength(2048);
    const wrong = data.filter((each: Json, i: number) => each.index !== i || each.embedding !== data[i % 7].embedding);
    // Rows that shared a pass with others may differ in a last bit; none may be another text's.
    const far = wrong.filter((each: Json) => {
      const of = (code: string) => new Float32Array(new Uint8Array(Buffer.from(code, "base64")).buffer);
      const [a, b] = [of(each.embedding), of(data[each.index % 7].embedding)];
      return a.reduce((sum, value, i) => sum + value * b[i]!, 0) < 0.9999;
    });
    expect(far).toEqual([]);
    const { status, error } = await failure(path, { model: embedder, input: [...input, "x"] });
    expect([status, error.param]).toEqual([400, "input"]);
  });

  test.each([[[300, 5682]], [[[300, 5682, 258], [1]]], [300]])(
    "refuses the token ids %j, and says why",
    async (input) => {
      const { status, error } = await failure(path, { model: embedder, input });
      expect([status, error.param]).toEqual([400, expect.stringMatching(/^input/)]);
      expect(error.message).toContain("check_embedding_ctx_length=False");
    },
  );

  test.each([
    [{}],
    [{ input: [] }],
    [{ input: "" }],
    [{ input: ["x", ""] }],
    [{ input: "x", encoding_format: patient }],
  ])("refuses %j", async (body) => {
    expect((await failure(path, { model: embedder, ...body })).status).toBe(400);
  });

  test("a text that is too long is refused by its place, or cut where that is allowed, and said", async () => {
    const input = ["short", `${patient} `.repeat(3000)];
    const { status, error } = await failure(path, { model: embedder, input });
    expect([status, error.code]).toEqual([400, "context_length_exceeded"]);
    expect(error.message).toContain("input[1]");
    const { truncated, data } = await postJson(`${url()}${path}`, { model: embedder, input, truncate: true });
    expect(data).toHaveLength(2);
    expect(truncated).toEqual([{ index: 1, tokens: expect.any(Number), cut_tokens: expect.any(Number) }]);
    expect(truncated[0].cut_tokens).toBeGreaterThan(0);
  });

  test("of a model for another task, or of none, are refused", async () => {
    expect((await failure(path, { model, input: "x" })).error.code).toBe("wrong_task");
    expect((await failure(path, { model: patient, input: "x" })).status).toBe(404);
  });
});

describe("rerank", () => {
  const documents = ["fever", { text: "a fever that comes back each evening", page: 3 }, "one tablet daily"];
  const query = "fever";

  test.each(["/v1/rerank", "/v2/rerank", "/rerank"])("%s gives all documents, best first", async (path) => {
    const { results, usage } = await postJson(`${url()}${path}`, { model: reranker, query, documents });
    expect(results.map((each: Json) => each.index).sort()).toEqual([0, 1, 2]);
    const scores = results.map((each: Json) => each.relevance_score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    for (const score of scores) expect(score > 0 && score < 1).toBe(true);
    expect(results[0]).not.toHaveProperty("document");
    expect(usage.prompt_tokens).toBeGreaterThan(0);
  });

  test("top_n, return_documents, normalize", async () => {
    const ask = { model: reranker, query, documents };
    const all = await postJson(`${url()}/v1/rerank`, ask);
    const best = await postJson(`${url()}/v1/rerank`, { ...ask, top_n: 1, return_documents: true });
    const [{ index }] = all.results;
    const text = [documents[0], "a fever that comes back each evening", documents[2]][index];
    // Sums of several threads differ in their last digits.
    const relevance_score = expect.closeTo(all.results[0].relevance_score, 5);
    expect(best.results).toEqual([{ ...all.results[0], relevance_score, document: { text } }]);
    const raw = await postJson(`${url()}/v1/rerank`, { ...ask, normalize: false });
    raw.results.forEach((each: Json, i: number) => {
      expect(1 / (1 + Math.exp(-each.relevance_score))).toBeCloseTo(all.results[i].relevance_score, 4);
    });
  });

  test.each([{ documents: [] }, { documents: [5] }, { documents, top_n: 0 }, { documents: [{ page: patient }] }])(
    "refuses %j",
    async (body) => {
      expect((await failure("/v1/rerank", { model: reranker, query, ...body })).status).toBe(400);
    },
  );
});

describe("decisions", () => {
  const messages = [{ role: "user", content: "Is gout a fever? yes or no" }];
  const decide = (question: Json, more: Json = {}) =>
    postJson(`${url()}/v1/decisions`, { model, messages, question, ...more });
  const sum = (answer: Json) => answer.probabilities.reduce((s: number, each: Json) => s + each.probability, 0);

  test("a predicate is true or false, with its probability", async () => {
    const answer = await decide({ type: "predicate" });
    expect(answer).toMatchObject({ object: "decision", model, refusal: null });
    expect(answer.probabilities.map((each: Json) => each.value)).toEqual([true, false]);
    const [yes, no] = answer.probabilities;
    expect(answer.decision).toBe(yes.probability >= no.probability);
    expect(answer.probability).toBe(Math.max(yes.probability, no.probability));
    expect(sum(answer)).toBeCloseTo(1, 6);
    expect(answer.coverage).toBeGreaterThanOrEqual(0);
    expect(answer.coverage).toBeLessThanOrEqual(1);
    expect(answer.usage.prompt_tokens).toBeGreaterThan(0);
  });

  test("a choice is what the model would write, and an answer that begins another does not win by that", async () => {
    const asked = [{ role: "user", content: "What is hypertension?" }];
    const said = await postJson(`${url()}/v1/chat/completions`, {
      model,
      messages: asked,
      temperature: 0,
      max_tokens: 30,
    });
    const words = said.choices[0].message.content.trim().split(" ");
    const [short, long] = [words[0], words.slice(0, 3).join(" ")];
    const answer = await decide({ type: "choice", choices: [short, long, "purple"] }, { messages: asked });
    expect(answer.decision).toBe(long);
    expect(answer.probability).toBeGreaterThan(0.9);
    expect(answer.coverage).toBeGreaterThan(0.9);
  });

  test("a score is a whole number, with its mean", async () => {
    const answer = await decide({ type: "score", min: -1, max: 10 });
    const values = answer.probabilities.map((each: Json) => each.value);
    expect(values).toEqual([-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(values).toContain(answer.decision);
    const mean = answer.probabilities.reduce((s: number, each: Json) => s + each.value * each.probability, 0);
    expect(answer.expected).toBeCloseTo(mean, 9);
    expect(sum(answer)).toBeCloseTo(1, 6);
  });

  test("below the threshold there is a refusal, and the probabilities all the same", async () => {
    const choices = ["gout", "fever", "cough"];
    const whole = await decide({ type: "choice", choices });
    const refused = await decide({ type: "choice", choices }, { threshold: 1 });
    expect(refused).toMatchObject({ decision: null, refusal: { code: "below_threshold" } });
    expect(refused.probability).toBeCloseTo(whole.probability, 3);
    expect((await decide({ type: "choice", choices }, { threshold: whole.probability * 0.99 })).decision).toBe(
      whole.decision,
    );
  });

  test.each([
    [{ type: patient }, "question.type"],
    [{ type: "choice", choices: ["a"] }, "question.choices"],
    [{ type: "choice", choices: ["a", "a "] }, "question.choices"],
    [{ type: "score", min: 5, max: 5 }, "question"],
    [{ type: "score", min: 0, max: 1000 }, "question"],
    [{ type: "score", min: 0.5, max: 2 }, "question.min"],
    [{ type: "predicate", words: { true: "Ja", false: "ja" } }, "question.words"],
  ])("refuses %j", async (question, param) => {
    const { status, error } = await failure("/v1/decisions", { model, messages, question });
    expect([status, error.param]).toEqual([400, param]);
  });
});

describe("tokens and prompts", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.load({ nThreads: 1 });
  });
  afterAll(() => engine.close());
  const text = "Take 25 mg daily. é</s>";

  test("a text goes to tokens and back", async () => {
    const { tokens, count, max_model_len: most } = await postJson(`${url()}/tokenize`, { model, content: text });
    expect(tokens).toEqual([...engine.tokenize(text)]);
    expect([count, most]).toEqual([tokens.length, engine.info.nCtxPerRequest]);
    expect(await postJson(`${url()}/detokenize`, { model, tokens })).toEqual({ content: text, prompt: text });
  });

  test("with special tokens, written and added", async () => {
    const ask = { model, prompt: text };
    const { tokens: added } = await postJson(`${url()}/tokenize`, { ...ask, add_special_tokens: true });
    expect(added).toEqual([...engine.tokenize(text, { addSpecial: true })]);
    const { tokens: read } = await postJson(`${url()}/tokenize`, { ...ask, parse_special: true });
    expect(read).toEqual([...engine.tokenize(text, { parseSpecial: true })]);
    expect(read.length).toBeLessThan(engine.tokenize(text).length);
    const shown = await postJson(`${url()}/detokenize`, { model, tokens: read, special: true });
    expect(shown.content).toBe(text);
    expect((await postJson(`${url()}/detokenize`, { model, tokens: read })).content).toBe(text.replace("</s>", ""));
  });

  test("pieces join to the text", async () => {
    const said = "Take 25 mg daily.";
    const { tokens } = await postJson(`${url()}/tokenize`, { model, content: said, with_pieces: true });
    expect(tokens.map(({ id }: Json) => id)).toEqual([...engine.tokenize(said)]);
    expect(
      tokens
        .map(({ piece }: Json) => piece)
        .join("")
        .trim(),
    ).toBe(said);
    const { token_strs: strings } = await postJson(`${url()}/tokenize`, {
      model,
      prompt: said,
      return_token_strs: true,
    });
    expect(strings.join("").trim()).toBe(said);
  });

  test("of a model for another task too; which one has to be said where there are several", async () => {
    expect((await postJson(`${url()}/tokenize`, { model: reranker, content: "fever" })).count).toBeGreaterThan(0);
    expect((await failure("/tokenize", { content: patient })).error.param).toBe("model");
  });

  test("tokens that the model has not are refused by their place", async () => {
    const { status, error } = await failure("/detokenize", { model, tokens: [5, 2_000_000] });
    expect([status, error.param]).toEqual([400, "tokens[1]"]);
    expect((await failure("/tokenize", { model })).status).toBe(400);
    expect((await failure("/tokenize", { model, content: patient, prompt: patient })).status).toBe(400);
  });

  const png = readFileSync(fromRoot("docs", "embedded-model.jpg")).toString("base64");
  const messages = [
    { role: "system", content: "Be brief." },
    {
      role: "user",
      content: [
        { type: "image_url", image_url: { url: `data:image/jpeg;base64,${png}` } },
        { type: "text", text: "What is shown?" },
      ],
    },
  ];
  const said = [
    { role: "system" as const, content: "Be brief." },
    {
      role: "user" as const,
      content: [
        { type: "image" as const, image: `data:image/jpeg;base64,${png}` },
        { type: "text" as const, text: "What is shown?" },
      ],
    },
  ];

  test.each(["/apply-template", "/v1/chat/completions/render"])("%s gives the prompt of a chat", async (path) => {
    const answer = await postJson(`${url()}${path}`, { model, messages, max_tokens: 5, top_k: 3 });
    const { prompt, stopStrings } = engine.applyChatTemplate(said);
    expect(answer).toEqual({ model, prompt, stop: stopStrings });
    expect(prompt).toContain("<__media__>");
    const withBos = await postJson(`${url()}${path}`, { model, messages, add_special_tokens: true });
    expect(withBos.prompt).toBe(`${engine.info.bosToken}${prompt}`);
    const closed = await postJson(`${url()}${path}`, {
      model,
      messages: [...messages, { role: "assistant", content: "A pict" }],
      continue_final_message: true,
      add_generation_prompt: false,
    });
    expect(closed.prompt.endsWith("A pict")).toBe(true);
    expect(closed.prefill).toBe("A pict");
  });

  test("a prompt without the opening of an answer, and one with nothing to render", async () => {
    const body = { model, messages: [{ role: "user", content: "Hi" }] };
    const { prompt } = await postJson(`${url()}/apply-template`, { ...body, add_generation_prompt: false });
    expect(prompt).toBe(
      engine.applyChatTemplate([{ role: "user", content: "Hi" }], { addGenerationPrompt: false }).prompt,
    );
    const { error } = await failure("/apply-template", { ...body, useChatTemplate: false });
    expect(error.param).toBe("useChatTemplate");
  });
});
