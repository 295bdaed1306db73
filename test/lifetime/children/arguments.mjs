// Wrong arguments to every native function: an error that names the field, and an engine that still works.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";

import { fromRoot } from "../../support/paths.mjs";
import { addon, Events, loadEngine, loadOptions, longPrompt, requestOf } from "./native.mjs";

const quiet = () => {};
const file = fromRoot("test", "fixtures", "images", "rgb.png");

/** @param {RegExp} message @param {() => unknown} call */
const refused = (message, call) => assert.throws(call, { name: "TypeError", code: "INVALID_ARGUMENT", message });

/** One of each type, and numbers that are none of the integers. */
const values = [undefined, null, true, 0.5, -1e300, NaN, Infinity, "text", Symbol("s"), 1n, quiet, [], {}, new Date()];
const arrays = [new Uint8Array(2), new Int32Array(2), new Float64Array(2), new ArrayBuffer(2), Buffer.from("a")];

const events = new Events();
const engine = await loadEngine({}, events.receive);

const cases = {
  options() {
    for (const field of Object.keys(loadOptions())) {
      const bad = { ...loadOptions(), [field]: Symbol("s") };
      refused(new RegExp(`^options\\.${field} must be`), () => addon.load(bad, quiet, quiet));
    }
    refused(/^options must be an object/, () => addon.load(null, quiet, quiet));
    refused(/^onEvents must be a function/, () => addon.load(loadOptions(), {}, quiet));
    refused(/^onProgress must be a function/, () => addon.load(loadOptions(), quiet));
    refused(/^options\.nCtx must be an integer from 0 to 4294967295/, () =>
      addon.load(loadOptions({ nCtx: 2 ** 32 }), quiet, quiet),
    );
    refused(/^options\.tensorSplit\[1\] must be a number, not a string/, () =>
      addon.load({ ...loadOptions(), tensorSplit: [1, "2"] }, quiet, quiet),
    );
    refused(/^options\.modelPath must not hold a null character/, () =>
      addon.load(loadOptions({ modelPath: "a\0b" }), quiet, quiet),
    );
  },

  request() {
    const request = requestOf(longPrompt(3));
    for (const field of Object.keys(request)) {
      const bad = { ...request, [field]: Symbol("s") };
      refused(new RegExp(`^request\\.${field} must be`), () => engine.submit(bad));
    }
    for (const field of Object.keys(request.sampling)) {
      const bad = { ...request, sampling: { ...request.sampling, [field]: Symbol("s") } };
      refused(new RegExp(`^request\\.sampling\\.${field} must be`), () => engine.submit(bad));
    }
    const text = { text: "a", parseSpecial: false };
    refused(/^request\.prompt\[1\]\.image must be a Uint8Array or what readImage\(\) gave, not a string/, () =>
      engine.submit({ ...request, prompt: [text, { image: "a.png" }] }),
    );
    refused(/^request\.prompt\[0\]\.parseSpecial must be a boolean, not undefined/, () =>
      engine.submit({ ...request, prompt: [{ text: "a" }] }),
    );
    refused(/^request\.stopStrings\[0\] must be a string, not null/, () =>
      engine.submit({ ...request, stopStrings: [null] }),
    );
    const sampling = (changes) => () => engine.submit({ ...request, sampling: { ...request.sampling, ...changes } });
    refused(
      /^request\.sampling\.tokenIdBias\[0\]\.id must be an integer/,
      sampling({ tokenIdBias: [{ id: 0.5, bias: 1 }] }),
    );
    refused(/^request\.sampling\.tokenIdBias\[0\]\.bias must be a number/, sampling({ tokenIdBias: [{ id: 1 }] }));
    refused(/^request\.sampling\.samplers\[0\] must be 'PENALTIES'/, sampling({ samplers: ["TOP_Q"] }));
    const wrong = (changes) => assert.throws(sampling(changes), { code: "INVALID_ARGUMENT" });
    for (const number of [Infinity, -Infinity, 1e300]) {
      for (const [field, value] of Object.entries(request.sampling)) {
        if (typeof value === "number") wrong({ [field]: number });
      }
    }
    wrong({ tokenIdBias: [{ id: 2 ** 31 - 1, bias: 1 }] });
    wrong({ tokenIdBias: [{ id: 1, bias: Infinity }] });
    wrong({ samplers: ["TOP_K", "TOP_K"] });
    wrong({ samplers: ["ADAPTIVE_P", "TOP_K"] });
    wrong({ penaltyPrompt: Int32Array.of(-1) });
    wrong({ dryMultiplier: 1, drySequenceBreakers: ["\0"] });
    assert.throws(() => engine.submit({ ...request, nProbs: 101 }), { code: "INVALID_ARGUMENT" });
    for (const n of [0, 65]) assert.throws(() => engine.submit({ ...request, n }), { code: "INVALID_ARGUMENT" });
    assert.throws(() => engine.submit({ ...request, n: 2, keep: true }), { code: "INVALID_ARGUMENT" });
    const look = {
      logits: Float32Array.of(1, 2),
      history: Int32Array.of(0),
      newlineToken: -1,
      sampling: request.sampling,
    };
    for (const field of Object.keys(look)) {
      refused(new RegExp(`^request\\.${field} must be`), () =>
        addon.inspectSampling({ ...look, [field]: Symbol("s") }),
      );
    }
    assert.equal(addon.inspectSampling(look).token, 0);
    assert.equal(engine.stats().queued + engine.stats().running, 0);
  },

  receiver() {
    refused(/come|load/, () => new engine.constructor());
    for (const method of Object.getOwnPropertyNames(Object.getPrototypeOf(engine))) {
      if (method === "constructor") continue;
      for (const other of [...values, Object.create(engine), new Map()]) {
        assert.throws(() => engine[method].call(other), TypeError);
      }
    }
  },

  // Whatever comes, nothing but an error follows.
  garbage() {
    const all = [...values, ...arrays];
    const calls = [
      (...args) => engine.embedImage(...args),
      (...args) => engine.readImage(...args).catch((error) => assert.equal(typeof error.code, "string")),
      (...args) => engine.submit(...args),
      (...args) => engine.embed(...args),
      (...args) => engine.cancel(...args),
      (...args) => engine.finish(...args),
      (...args) => engine.pause(...args),
      (...args) => engine.resume(...args),
      (...args) => engine.tokenize(...args),
      (...args) => engine.detokenize(...args),
      (...args) => engine.forkState(...args),
      (...args) => engine.dropState(...args),
      (...args) => engine.saveState(...args),
      (...args) => engine.restoreState(...args),
      (...args) => engine.loadAdapter(...args),
      (...args) => engine.unloadAdapter(...args),
      (...args) => addon.initBackends(...args),
      (...args) => addon.load(...args),
      (...args) => addon.applyBuiltinChatTemplate(...args),
      (...args) => addon.inspectSampling(...args),
    ];
    for (const call of calls) {
      for (const first of all) {
        for (const second of all) {
          try {
            call(first, second, second);
          } catch (error) {
            assert.ok(error instanceof Error);
            assert.equal(typeof error.code, "string");
          }
        }
      }
    }
  },

  // The exception of a getter is the user's own: it passes through.
  getter() {
    const own = new RangeError("own");
    const request = Object.defineProperty(requestOf(longPrompt(3)), "prompt", {
      get() {
        throw own;
      },
    });
    assert.throws(() => engine.submit(request), own);
  },

  // Bytes and lists belong to the engine from submit() on.
  copies() {
    const prompt = longPrompt(3);
    engine.submit(requestOf(prompt, { nPredict: 1 }));
    prompt.length = 0;
    const image = new Uint8Array(16);
    assert.throws(() => engine.embedImage(image), { code: "NO_VISION" });
    structuredClone(image, { transfer: [image.buffer] });
    assert.throws(() => engine.embedImage(image), Error);
  },

  // What readImage() gave is an image until it is released, and nothing else is one.
  async images() {
    const read = await engine.readImage(file, 1e6);
    assert.deepEqual(read.bytes(), new Uint8Array(readFileSync(file)));
    assert.notEqual(read.bytes().buffer, read.bytes().buffer);
    assert.throws(() => engine.embedImage(read), { code: "NO_VISION" });
    for (const method of ["bytes", "release"]) {
      for (const other of [...values, Object.create(read), engine]) {
        assert.throws(() => read[method].call(other), TypeError);
      }
    }
    refused(/come/, () => new read.constructor());
    for (const fake of [Object.create(read), { bytes: () => new Uint8Array(3) }]) {
      assert.throws(() => engine.embedImage(fake), TypeError);
    }
    read.release();
    read.release();
    assert.throws(() => read.bytes(), TypeError);
    assert.throws(() => engine.embedImage(read), TypeError);
    await assert.rejects(engine.readImage(file, 1), { code: "IMAGE_TOO_LARGE" });
    await assert.rejects(engine.readImage(path.join(file, "x"), 1), { code: "IMAGE_NOT_FOUND" });
    refused(/null/, () => engine.readImage("a\0b", 1));
  },
};

await cases[process.argv[2]]();
const end = await events.end(engine.submit(requestOf(longPrompt(3), { nPredict: 3 })));
assert.equal(end.type, "done");
await engine.close();
