/** `onContextFull`: what is sent, and what is said of it. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../lib/engine.js";
import { rejection, settle } from "./support/collect.js";
import { nativeError, nativeEvent, type FakeAddon } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";
import { usePicture } from "./support/picture.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

const { picture } = usePicture();
let addon: FakeAddon;
let engine: Engine;
beforeEach(async () => {
  addon = useFakeAddon();
  addon.info = { nCtxPerRequest: 1000 };
  engine = await Engine.load({ chatTemplate: "vicuna" });
});

const turns = (n: number, size = 100) =>
  Array.from({ length: n }, (_, i) => [
    { role: "user", content: `q${i} ${"x".repeat(size)}` },
    { role: "assistant", content: `a${i}.` },
  ]).flat();
const long = [{ role: "system", content: "Be brief." }, ...turns(12), { role: "user", content: "last" }];
const sent = (id = addon.engine.lastId) =>
  addon.engine.requests
    .get(id)!
    .prompt.map((part) => ("text" in part ? part.text : "<image>"))
    .join("");
const answer = () => (addon.engine.onSubmit = (id) => addon.engine.emit(id, nativeEvent.text("A"), nativeEvent.done()));
const drop = { onContextFull: "dropOldestTurns" } as const;

const isEmpty = (image: object) => image instanceof Uint8Array && image.length === 0;

describe("a conversation that is too long", () => {
  it("is sent whole, at once and uncounted by default", () => {
    for (const options of [{}, { onContextFull: "stop" as const }]) {
      engine.chat({ messages: long, ...options });
      expect(sent()).toContain("q0 ");
      expect(addon.engine.counted).toEqual([]);
    }
  });

  it("loses its oldest turns where it may, and says so", async () => {
    answer();
    const result = await engine.chat({ messages: long, ...drop }).result;
    const { droppedTurns = 0 } = result;
    expect(droppedTurns).toBeGreaterThan(3);
    const text = sent();
    expect(text).toContain("Be brief.");
    expect(text).toContain("last");
    for (let i = 0; i < 12; i++) {
      expect(text.includes(`q${i} `)).toBe(i >= droppedTurns);
      expect(text.includes(`a${i}.`)).toBe(i >= droppedTurns);
    }
    expect(addon.engine.requests.size).toBe(1);
    expect(await engine.chat({ messages: long.slice(-3), ...drop }).result).toMatchObject({ droppedTurns: 0 });
    expect(await engine.chat({ messages: long.slice(-3) }).result).not.toHaveProperty("droppedTurns");
  });

  it("says it of every completion, and at the end of the events", async () => {
    addon.engine.onSubmit = (id, { n }) => {
      for (let i = 0; i < n; i++) addon.engine.emit(id + i, nativeEvent.done());
    };
    const { choices, droppedTurns } = await engine.chat({ messages: long, ...drop, n: 2 }).result;
    expect(droppedTurns).toBeGreaterThan(0);
    expect(choices!.map((choice) => choice.droppedTurns)).toEqual([droppedTurns, droppedTurns]);
    const events = [];
    for await (const event of engine.chat({ messages: long, ...drop })) events.push(event);
    expect(events.map(({ type }) => type)).toEqual(["queued", "done"]);
    expect(events.at(-1)).toMatchObject({ droppedTurns });
  });

  it("counts images, reads each once and drops them with their turns", async () => {
    answer();
    const withImages = long.map((message) =>
      message.role === "user"
        ? {
            ...message,
            content: [
              { type: "image" as const, image: picture },
              { type: "text" as const, text: message.content },
            ],
          }
        : message,
    );
    const { droppedTurns = 0 } = await engine.chat({ messages: withImages, ...drop }).result;
    const plain = (await engine.chat({ messages: long, ...drop }).result).droppedTurns!;
    expect(droppedTurns).toBeGreaterThan(plain);
    const [first] = [...addon.engine.requests.values()];
    expect(first!.prompt.filter((part) => "image" in part)).toHaveLength(13 - droppedTurns);
    expect(first!.prompt.filter((part) => "image" in part && isEmpty(part.image))).toEqual([]);
  });

  it("does so without a template, too", async () => {
    answer();
    const { droppedTurns = 0 } = await engine.chat({ messages: long, useChatTemplate: false, ...drop }).result;
    expect(droppedTurns).toBeGreaterThan(0);
    expect(sent().startsWith(`Be brief.\nq${droppedTurns} `)).toBe(true);
  });

  it("fails with what the count fails with", async () => {
    addon.engine.countFailure = nativeError("IMAGE_DECODE", "damaged");
    expect(await rejection(engine.chat({ messages: long, ...drop }).result)).toMatchObject({ code: "IMAGE_DECODE" });
    expect(addon.engine.requests.size).toBe(0);
    addon.engine.countFailure = undefined;
    const huge = [...long.slice(0, -1), { role: "user", content: "y".repeat(1000) }];
    const error = await rejection(engine.chat({ messages: huge, ...drop }).result);
    expect(error).toMatchObject({ code: "CONTEXT_FULL" });
    expect(error.message).toContain("latest turn by itself");
    expect(error.message).not.toContain("yyy");
  });

  it("is not sent where it is aborted, or its engine closed, while it is counted", async () => {
    const controller = new AbortController();
    const aborted = engine.chat({ messages: long, ...drop, signal: controller.signal });
    const heard = rejection(aborted.result);
    while (addon.engine.counted.length === 0) await Promise.resolve();
    controller.abort();
    expect(await heard).toMatchObject({ code: "ABORTED" });
    for (let i = 0; i < 10; i++) await settle();
    expect(addon.engine.requests.size).toBe(0);
    expect(addon.engine.counted).toHaveLength(1);
    const closed = rejection(engine.chat({ messages: long, ...drop }).result);
    await engine.close();
    expect(await closed).toMatchObject({ code: "CLOSED" });
  });

  it("is an option of conversations alone, and of two words", async () => {
    const refused: [Promise<unknown>, string][] = [
      [engine.complete({ prompt: "x", ...drop } as never).result, "onContextFull"],
      [engine.chat({ messages: long, onContextFull: "dropOldest" as never }).result, '"stop", "dropOldestTurns"'],
      [engine.chat({ messages: long, nKeep: 5 as never }).result, "onContextFull"],
    ];
    for (const [promise, part] of refused) {
      const error = await rejection(promise);
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(error.message).toContain(part);
    }
  });
});

describe("a session that is too long", () => {
  const talk = async (session: ReturnType<Engine["session"]>, n: number, options: object = {}) => {
    const dropped = [];
    for (let i = 0; i < n; i++) {
      const content = `q${session.messages.length} ${"x".repeat(100)}`;
      dropped.push((await session.chat({ content, ...options }).result).droppedTurns);
    }
    return dropped;
  };

  it("goes on for ever, keeps what was said, and drops the same turns for several chats", async () => {
    answer();
    const session = engine.session({ system: "Be brief.", ...drop });
    const dropped = (await talk(session, 40)) as number[];
    expect(session.messages).toHaveLength(81);
    expect(dropped[0]).toBe(0);
    expect(dropped.at(-1)).toBeGreaterThan(25);
    expect(new Set(dropped).size).toBeLessThan(25);
    expect([...dropped].sort((a, b) => a - b)).toEqual(dropped);
    expect(sent()).toContain("Be brief.");
  });

  it("takes a chat's own word, its forks' and its file's", async () => {
    answer();
    const session = engine.session();
    await talk(session, 15);
    expect(await talk(session, 1)).toEqual([undefined]);
    const [dropped] = await talk(session, 1, drop);
    expect(dropped).toBeGreaterThan(0);
    expect(await talk(session, 1, { ...drop, onContextFull: undefined })).toEqual([undefined]);

    const other = engine.session(drop);
    await talk(other, 15);
    expect((await talk(await other.fork(), 1))[0]).toBeGreaterThan(0);
    expect(await talk(await other.fork(), 1, { onContextFull: "stop" })).toEqual([undefined]);
    await other.save("/tmp/context-full");
    const restored = await engine.restoreSession("/tmp/context-full");
    expect(restored.messages).toHaveLength(30);
    expect((await talk(restored, 1))[0]).toBeGreaterThan(0);
    // A file of a session that knew nothing of it.
    addon.engine.files.set("/tmp/older", JSON.stringify({ messages: [], settings: { cacheSalt: "" } }));
    expect(await talk(await engine.restoreSession("/tmp/older"), 1)).toEqual([undefined]);
  });

  it("leaves no trace of a turn that is too long by itself", async () => {
    answer();
    const session = engine.session(drop);
    await talk(session, 3);
    expect(await rejection(session.chat("y".repeat(2000)).result)).toMatchObject({ code: "CONTEXT_FULL" });
    expect(session.messages).toHaveLength(6);
    await talk(session, 1);
  });
});
