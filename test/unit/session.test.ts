import { beforeEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../lib/engine.js";
import { rejection, settle, thrown } from "./support/collect.js";
import { nativeEvent, type FakeAddon } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

let addon: FakeAddon;
let engine: Engine;
/** What the engine says it has kept of the latest request. */
const done = (state: number) => ({ ...nativeEvent.done(), state }) as ReturnType<typeof nativeEvent.done>;
const calls = () => addon.engine.calls.filter((call) => /State/.test(call));
beforeEach(async () => {
  addon = useFakeAddon();
  engine = await Engine.load({ chatTemplate: "chatml" });
});

async function say(session: ReturnType<Engine["session"]>, text: string, state: number) {
  const { result } = session.chat(text);
  addon.engine.emit(addon.engine.lastId, nativeEvent.text(` re ${text}\n`), done(state));
  await result;
}

describe("a session", () => {
  it("sends the whole conversation, and what it goes on from", async () => {
    const session = engine.session({ system: "s", cacheSalt: "tenant" });
    await say(session, "one", 71);
    expect(addon.engine.requests.get(1)).toMatchObject({ base: 0, keep: true, cacheSalt: "tenant", n: 1 });
    await say(session, "two", 72);
    expect(addon.engine.requests.get(2)).toMatchObject({ base: 71, keep: true });
    const prompt = addon.engine.requests
      .get(2)!
      .prompt.map((part) => ("text" in part ? part.text : ""))
      .join("");
    expect(prompt).toContain("re one");
    expect(session.messages).toEqual([
      { role: "system", content: "s" },
      { role: "user", content: "one" },
      { role: "assistant", content: "re one" },
      { role: "user", content: "two" },
      { role: "assistant", content: "re two" },
    ]);
    expect(calls()).toEqual(["dropState 71"]);
    session.close();
    expect(calls()).toEqual(["dropState 71", "dropState 72"]);
  });

  it("drops what a turn leaves that comes too late", async () => {
    const session = engine.session();
    const closed = session.chat("one");
    session.close();
    addon.engine.emit(1, done(5));
    await closed.result;
    expect(calls()).toEqual(["dropState 5"]);

    const aborted = engine.session();
    const controller = new AbortController();
    const { result } = aborted.chat({ content: "two", signal: controller.signal });
    controller.abort();
    addon.engine.emit(2, done(6));
    expect((await rejection(result)).message).toContain("aborted");
    expect(calls()).toEqual(["dropState 5", "dropState 6"]);
    expect(aborted.messages).toEqual([]);
  });

  it("forks what there is", async () => {
    const session = engine.session();
    expect((await session.fork()).messages).toEqual([]);
    expect(calls()).toEqual([]);
    await say(session, "one", 9);
    const fork = await session.fork();
    expect(calls()).toEqual(["forkState 9"]);
    await say(fork, "two", 20);
    expect(addon.engine.requests.get(3)).toMatchObject({ base: 2 });
    expect(session.messages).toHaveLength(2);
  });

  it("answers one at a time, and again after a failure", async () => {
    const session = engine.session();
    const first = session.chat("one");
    expect(await rejection(session.chat("two").result)).toMatchObject({ code: "INVALID_ARGUMENT" });
    addon.engine.emit(1, nativeEvent.failed("CONTEXT_FULL"));
    await rejection(first.result);
    await say(session, "three", 1);
    expect(session.messages[0]).toEqual({ role: "user", content: "three" });
  });

  it("keeps the bytes of images, and not those that the caller changes", async () => {
    const bytes = Buffer.from([1, 2, 3]);
    const session = engine.session();
    const { result } = session.chat({ content: "what?", images: [bytes] });
    bytes.fill(0);
    await settle();
    addon.engine.emit(1, done(1));
    await result;
    expect(session.messages[0]!.content).toContainEqual({ type: "image", image: new Uint8Array([1, 2, 3]) });
    await session.save("/tmp/a");
    const restored = await engine.restoreSession("/tmp/a");
    expect(restored.messages).toEqual(session.messages);
  });

  it("refuses options that it cannot have", () => {
    expect(thrown(() => engine.session({ chatTemplate: "nope" }))).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(thrown(() => engine.session({ sytem: "s" } as never)).message).toContain("system");
  });

  it("refuses a file without a conversation, and frees what came with it", async () => {
    for (const note of [
      "",
      "null",
      "{}",
      '{"messages":[{"role":1}],"settings":{}}',
      '{"messages":[],"settings":{"a":1}}',
    ]) {
      addon.engine.files.set("/tmp/b", note);
      expect(await rejection(engine.restoreSession("/tmp/b"))).toMatchObject({ code: "BAD_SESSION" });
      expect(calls().at(-1)).toBe(`dropState ${addon.engine.lastId}`);
    }
  });
});
