import { beforeEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../lib/engine.js";
import { collect, rejection, settle, thrown } from "./support/collect.js";
import { nativeEvent, type FakeAddon } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";
import { usePicture } from "./support/picture.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

const { folder, picture } = usePicture();
let addon: FakeAddon;
beforeEach(() => {
  addon = useFakeAddon();
});

const user = (content: string) => [{ role: "user", content }];

describe("the other methods", () => {
  it("tokenize and detokenize", async () => {
    const engine = await Engine.load();
    expect(engine.tokenize("ab")).toEqual(Int32Array.of(97, 98));
    engine.tokenize("ab", { addSpecial: true, parseSpecial: true });
    expect(addon.engine.calls).toEqual(["tokenize false false", "tokenize true true"]);
    expect(engine.detokenize([97, 257])).toBe("a");
    expect(engine.detokenize(Int32Array.of(97, 257), { special: true })).toBe("a</s>");
    for (const bad of [[1.5], [-1], [NaN], ["a"], "ab", 5, [2 ** 31]]) {
      expect(thrown(() => engine.detokenize(bad as never))).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(thrown(() => engine.tokenize(5 as never))).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(thrown(() => engine.tokenize("x", { special: true } as never))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  it("applyChatTemplate shows the prompt, images as markers", async () => {
    const engine = await Engine.load();
    const content = [
      { type: "image" as const, image: "never read" },
      { type: "text" as const, text: "</s>Q" },
    ];
    expect(engine.applyChatTemplate([{ role: "user", content }])).toEqual({
      prompt: "USER: <__media__></s>Q\nASSISTANT:",
      stopStrings: [],
    });
    expect(engine.applyChatTemplate(user("Q"), { chatTemplate: "chatml", addGenerationPrompt: false }).prompt).toBe(
      "<|im_start|>user\nQ<|im_end|>\n",
    );
    expect(thrown(() => engine.applyChatTemplate([]))).toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("embedImage gives the encoder's floats", async () => {
    const engine = await Engine.load();
    const embedding = engine.embedImage(picture);
    while (addon.engine.images.size === 0) await settle();
    const values = Float32Array.of(1, 2);
    addon.engine.emit(1, { type: "embedded", values, tokens: 1, width: 2, cached: true });
    expect(await embedding).toEqual({ values, tokens: 1, width: 2, cached: true });

    const failing = engine.embedImage(new Uint8Array([1]));
    await settle();
    addon.engine.emit(2, nativeEvent.failed("IMAGE_DECODE", "damaged"));
    expect(await rejection(failing)).toMatchObject({ code: "IMAGE_DECODE", message: "damaged" });
    expect(await rejection(engine.embedImage(5 as never))).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(await rejection(engine.embedImage(folder))).toMatchObject({ code: "IMAGE_NOT_FOUND" });
  });

  it("embedImage is aborted before and in the middle", async () => {
    const engine = await Engine.load();
    const image = new Uint8Array([1]);
    expect(await rejection(engine.embedImage(image, { signal: AbortSignal.abort() }))).toMatchObject({
      code: "ABORTED",
    });
    expect(addon.engine.images.size).toBe(0);
    const controller = new AbortController();
    const embedding = engine.embedImage(image, { signal: controller.signal });
    await settle();
    controller.abort("why");
    expect(addon.engine.calls).toEqual(["cancel 1"]);
    addon.engine.emit(1, nativeEvent.failed("ABORTED"));
    expect(await rejection(embedding)).toMatchObject({ code: "ABORTED", cause: "why" });
  });

  it("info stays readable after close, and cannot be changed", async () => {
    const engine = await Engine.load();
    await engine.close();
    expect(engine.info.batchSize).toBe(4);
    expect(() => Object.assign(engine.info, { batchSize: 5 })).toThrow();
  });

  it("await using closes", async () => {
    {
      await using engine = await Engine.load();
      expect(engine.stats()).toMatchObject({ queued: 0 });
    }
    expect(addon.engine.closed).toBe(true);
  });

  it("a web address is no path of an adapter or a session", async () => {
    const engine = await Engine.load();
    const refused = [
      engine.loadAdapter("https://host/a.gguf"),
      engine.restoreSession("http://host/a"),
      engine.session({ chatTemplate: "chatml" }).save("https://host/a"),
    ];
    for (const call of refused) {
      const error = await rejection(call);
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", issues: [{ path: "path" }] });
      expect(error.message).toContain("is a web address");
    }
  });

  it("every one refuses a closed engine with CLOSED", async () => {
    const engine = await Engine.load();
    await engine.close();
    await engine.close();
    const closed = { code: "CLOSED" };
    expect(await rejection(engine.chat({ messages: user("x") }).result)).toMatchObject(closed);
    expect(await rejection(collect(engine.complete({ prompt: "x" })))).toMatchObject(closed);
    expect(await rejection(collect(engine.annotate([{ prompt: "x" }])))).toMatchObject(closed);
    expect(await rejection(engine.embedImage(new Uint8Array([1])))).toMatchObject(closed);
    expect(thrown(() => engine.tokenize("x"))).toMatchObject(closed);
    expect(thrown(() => engine.detokenize([1]))).toMatchObject(closed);
    expect(thrown(() => engine.stats())).toMatchObject(closed);
  });
});
