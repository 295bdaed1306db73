// What keeps a process alive, and what does not. Sends what happened before the end.
import { Events, loadEngine, longPrompt, requestOf } from "./native.mjs";

const cases = {
  // An open engine with nothing to do: no.
  async idle() {
    await loadEngine();
    process.send?.("idle");
  },
  // A request: until its end.
  async pending() {
    const events = new Events();
    const engine = await loadEngine({}, events.receive);
    const id = engine.submit(requestOf(longPrompt(3), { nPredict: 200 }));
    void events.end(id).then((event) => process.send?.(event.type));
  },
  // A request that waits for JavaScript to read on: no.
  async paused() {
    const engine = await loadEngine();
    engine.pause(engine.submit(requestOf(longPrompt(3))));
    process.send?.("paused");
  },
  // Cancelled while it waits: until its end again.
  async cancelled() {
    const events = new Events();
    const engine = await loadEngine({}, events.receive);
    const id = engine.submit(requestOf(longPrompt(3)));
    engine.pause(id);
    setTimeout(() => engine.cancel(id), 20);
    void events.end(id).then((event) => process.send?.(event.type));
  },
  async embedding() {
    const { blocksPng } = await import("../../support/images.mjs");
    const { models } = await import("./native.mjs");
    const events = new Events();
    const engine = await loadEngine({ mmprojPath: models.mmproj }, events.receive);
    void events.end(engine.embedImage(blocksPng(1))).then((event) => process.send?.(event.type));
  },
  // A load.
  async load() {
    void loadEngine().then(() => process.send?.("loaded"));
  },
  // A close.
  async close() {
    const engine = await loadEngine();
    engine.submit(requestOf(longPrompt(30)));
    void engine.close().then(() => process.send?.("closed"));
  },
};

await cases[process.argv[2]]();
