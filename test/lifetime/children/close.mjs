// close() in every state of an engine. Prints nothing; a failed assertion is the exit code.
import assert from "node:assert/strict";

import { addon, embedRequestOf, Events, loadEngine, loadOptions, longPrompt, models, requestOf } from "./native.mjs";

const closed = { code: "CLOSED", retryable: false };
const quiet = () => {};

const cases = {
  // All pending requests fail, before close() resolves.
  async pending() {
    let open = true;
    const events = new Events((event) => event.type === "failed" && assert.ok(open));
    const engine = await loadEngine({}, events.receive);
    const ids = Array.from({ length: 10 }, () => engine.submit(requestOf(longPrompt(30))));
    const ends = ids.map((id) => events.end(id));
    await engine.close();
    open = false;
    for (const end of await Promise.all(ends)) {
      assert.equal(end.type, "failed");
      assert.equal(end.error.code, "CLOSED");
      assert.ok(end.error instanceof Error);
    }
  },

  // Texts that are read, that wait, and that are not tokenised yet.
  async embedding() {
    let open = true;
    const events = new Events((event) => event.type === "failed" && assert.ok(open));
    const options = { task: /** @type {const} */ ("embed"), modelPath: models.embedder, batchSize: 64 };
    const engine = await loadEngine(options, events.receive);
    const ids = Array.from({ length: 900 }, () => engine.embed(embedRequestOf("bat ".repeat(200))));
    const ends = ids.map((id) => events.end(id));
    await ends[0];
    await engine.close();
    open = false;
    const types = (await Promise.all(ends)).map((end) => (end.type === "failed" ? end.error.code : end.type));
    assert.ok(types.includes("CLOSED"));
    assert.ok(types.every((type) => type === "CLOSED" || type === "pooled"));
  },

  async twice() {
    const engine = await loadEngine();
    const first = engine.close();
    assert.equal(engine.close(), first);
    assert.equal(await first, undefined);
    assert.equal(engine.close(), first);
    await engine.close();
  },

  // Of an engine that does not exist yet: abort() is its close().
  async load() {
    const load = addon.load(loadOptions({ modelPath: models.large }), quiet, quiet);
    setTimeout(load.abort, 5);
    await assert.rejects(load.engine, { code: "ABORTED", retryable: false });
    load.abort();
    const good = addon.load(loadOptions(), quiet, quiet);
    const engine = await good.engine;
    good.abort();
    assert.ok(engine.tokenize("bat", false, false).length > 0);
    await engine.close();
    good.abort();
  },

  async "first-event"() {
    const engine = await new Promise((resolve) => {
      const loading = loadEngine({}, () => {
        void engine.then((open) => open.close());
        void engine.then(resolve);
      });
      const engine = loading.then((open) => (open.submit(requestOf(longPrompt(3))), open));
    });
    await engine.close();
  },

  // From inside the callback of the addon.
  async callback() {
    /** @type {import("./native.mjs").NativeEngine[]} */
    const engines = [];
    const closing = new Promise((resolve) => {
      void loadEngine({}, () => resolve(engines[0].close())).then((engine) => {
        engines.push(engine);
        engine.submit(requestOf(longPrompt(3)));
      });
    });
    await closing;
    assert.throws(() => engines[0].stats(), closed);
  },

  // Each method while the engine closes, and after.
  async methods() {
    const engine = await loadEngine();
    const { info } = engine;
    const closing = engine.close();
    for (let round = 0; round < 2; round++) {
      assert.throws(() => engine.submit(requestOf(longPrompt(3))), closed);
      assert.throws(() => engine.readImage("path", 1), closed);
      assert.throws(() => engine.embedImage(new Uint8Array(3)), closed);
      assert.throws(() => engine.embed(embedRequestOf("bat")), closed);
      assert.throws(() => engine.cancel(1), closed);
      assert.throws(() => engine.pause(1), closed);
      assert.throws(() => engine.resume(1), closed);
      assert.throws(() => engine.stats(), closed);
      assert.throws(() => engine.tokenize("a", false, false), closed);
      assert.throws(() => engine.detokenize(new Int32Array(1), false), closed);
      assert.throws(() => engine.forkState(1), closed);
      assert.throws(() => engine.dropState(1), closed);
      assert.throws(() => engine.saveState(1, "path", ""), closed);
      assert.throws(() => engine.restoreState("path"), closed);
      assert.throws(() => engine.loadAdapter("path"), closed);
      assert.throws(() => engine.unloadAdapter(1), closed);
      assert.equal(engine.info, info);
      assert.equal(engine.close(), closing);
      await closing;
    }
  },

  // A getter of the request closes the engine that is about to take it.
  async getter() {
    const engine = await loadEngine();
    const request = requestOf(longPrompt(3));
    Object.defineProperty(request, "priority", { get: () => (void engine.close(), 0) });
    assert.throws(() => engine.submit(request), closed);
    await engine.close();
  },

  async again() {
    for (let i = 0; i < 50; i++) {
      const engine = await loadEngine();
      engine.submit(requestOf(longPrompt(3)));
      await engine.close();
    }
  },
};

await cases[process.argv[2]]();
