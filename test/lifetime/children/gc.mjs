// Engines that nobody closes. Runs with --expose-gc.
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

import { fromRoot } from "../../support/paths.mjs";
import { addon, Events, loadEngine, loadOptions, longPrompt, models, requestOf } from "./native.mjs";
import { threadCount } from "./thread-count.mjs";
import { until } from "./until.mjs";

const cases = {
  // Images that are dropped, released or not, while requests have them.
  async images() {
    const events = new Events();
    const engine = await loadEngine({ mmprojPath: models.mmproj }, events.receive);
    let collected = 0;
    const registry = new FinalizationRegistry(() => collected++);
    const ids = [];
    await (async () => {
      for (let i = 0; i < 10; i++) {
        const image = await engine.readImage(fromRoot("test", "fixtures", "images", "rgb.png"), 1e6);
        registry.register(image, i);
        ids.push(engine.embedImage(image));
        if (i % 2 === 0) image.release();
      }
    })();
    assert.ok(await until(() => collected === 10));
    for (const id of ids) assert.equal((await events.end(id)).type, "embedded");
    await engine.close();
  },

  async idle() {
    const before = threadCount();
    let collected = 0;
    const registry = new FinalizationRegistry(() => collected++);
    await (async () => {
      for (let i = 0; i < 10; i++) {
        const engine = await loadEngine();
        registry.register(engine, i);
      }
    })();
    assert.ok(await until(() => collected === 10 && threadCount() <= before));
  },

  // A request that runs keeps its engine; when it has ended the engine goes.
  async busy() {
    const before = threadCount();
    let collected = false;
    const registry = new FinalizationRegistry(() => (collected = true));
    const events = new Events();
    const id = await (async () => {
      const engine = await loadEngine({}, events.receive);
      registry.register(engine, 0);
      return engine.submit(requestOf(longPrompt(3), { nPredict: 500 }));
    })();
    let over = false;
    const ended = events.end(id).then((event) => {
      over = true;
      return event;
    });
    await until(() => over);
    assert.equal((await ended).type, "done");
    assert.ok(await until(() => collected && threadCount() <= before));
  },

  // The object that load() returned is dropped, its promise is not.
  async load() {
    const promise = addon.load(
      loadOptions(),
      () => {},
      () => {},
    ).engine;
    globalThis.gc?.();
    const engine = await promise;
    assert.equal(engine.info.batchSize, 4);
    await engine.close();
  },

  // The promise is dropped too: the load ends, and what it brought is collected.
  async dropped() {
    const before = threadCount();
    addon.load(
      loadOptions(),
      () => {},
      () => {},
    );
    await delay(20);
    assert.ok(await until(() => threadCount() <= before));
  },
};

await cases[process.argv[2]]();
