/** What goes wrong while the engine is called: a closed engine is no matter, anything else is not lost. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../lib/engine.js";
import { unlessClosed } from "../../lib/unless-closed.js";
import { rejection, settle, thrown } from "./support/collect.js";
import { nativeError, nativeEvent, type FakeAddon } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

let addon: FakeAddon;
let engine: Engine;
beforeEach(async () => {
  addon = useFakeAddon();
  engine = await Engine.load({ chatTemplate: "chatml" });
});

const messages = [{ role: "user", content: "Hello" }];
const done = (state: number) => ({ ...nativeEvent.done(), state }) as ReturnType<typeof nativeEvent.done>;
const failing = () => (addon.engine.callFailure = nativeError("INTERNAL", "the call failed"));

describe("unlessClosed", () => {
  it("lets CLOSED pass, and nothing else", () => {
    unlessClosed(() => {
      throw nativeError("CLOSED");
    });
    const codes = ["INTERNAL", "INVALID_ARGUMENT", "OUT_OF_MEMORY"] as const;
    for (const code of codes) {
      const call = () => {
        throw nativeError(code, "why");
      };
      expect(thrown(() => unlessClosed(call))).toMatchObject({ name: "MedInferError", code, message: "why" });
    }
    const bug = new TypeError("bug");
    const throwBug = () => {
      throw bug;
    };
    expect(thrown(() => unlessClosed(throwBug))).toMatchObject({ code: "INTERNAL", cause: bug });
  });
});

describe("a call to the engine that fails", () => {
  it("ends the request that was to be aborted", async () => {
    const controller = new AbortController();
    const { result } = engine.chat({ messages, signal: controller.signal });
    failing();
    controller.abort();
    expect(await rejection(result)).toMatchObject({ code: "INTERNAL", message: "the call failed" });
    addon.engine.emit(1, done(0)); // too late, and no harm
  });

  it("ends the request whose stop was found, once", async () => {
    const { result } = engine.chat({ messages, stopRegexes: [/b/] });
    failing();
    addon.engine.emit(1, nativeEvent.text("abc"), done(0));
    expect(await rejection(result)).toMatchObject({ code: "INTERNAL", message: "the call failed" });
  });

  it("ends the request that was to be paused, and the reader hears of it", async () => {
    const reader = engine.chat({ messages })[Symbol.asyncIterator]();
    failing();
    addon.engine.emit(1, ...Array.from({ length: 80 }, () => nativeEvent.text("a")));
    const read = async () => {
      for (;;) if ((await reader.next()).done) return;
    };
    expect(await rejection(read())).toMatchObject({ code: "INTERNAL", message: "the call failed" });
  });

  it("ends the request that was to be streamed", async () => {
    const generation = engine.chat({ messages });
    failing();
    const reader = generation[Symbol.asyncIterator]();
    const read = async () => {
      for (;;) if ((await reader.next()).done) return;
    };
    expect(await rejection(read())).toMatchObject({ code: "INTERNAL" });
  });

  it("leaves nobody waiting for an encoding that was to be aborted", async () => {
    const controller = new AbortController();
    const embedding = engine.embedImage(new Uint8Array([1]), { signal: controller.signal });
    await settle();
    failing();
    controller.abort(new Error("mine"));
    expect(await rejection(embedding)).toMatchObject({ code: "ABORTED" });
  });

  it("fails a session's turn, and its close()", async () => {
    const session = engine.session();
    const first = session.chat("one");
    addon.engine.emit(1, done(7));
    await first.result;
    const second = session.chat("two");
    failing();
    addon.engine.emit(2, done(8));
    expect(await rejection(second.result)).toMatchObject({ code: "INTERNAL", message: "the call failed" });
    expect(thrown(() => session.close())).toMatchObject({ code: "INTERNAL" });
    expect(await rejection(session.chat("three").result)).toMatchObject({ code: "CLOSED" });
  });

  it("is no matter once the engine is closed", async () => {
    const session = engine.session();
    const controller = new AbortController();
    const { result } = session.chat({ content: "one", signal: controller.signal });
    await engine.close();
    controller.abort();
    addon.engine.emit(1, nativeEvent.failed("CLOSED"));
    await rejection(result);
    session.close();
  });
});
