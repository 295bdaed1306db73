/** Errors of the addon are made with the class of the copy of the library that calls, wherever they arise. */
import { createRequire } from "node:module";
import path from "node:path";
import { Worker } from "node:worker_threads";
import vm from "node:vm";
import { describe, expect, it } from "vitest";
import type { AddonModule, NativeAddon, NativeEngine, NativeEvent } from "../../lib/native/types.js";
import { fromRoot } from "../support/paths.mjs";

const require = createRequire(import.meta.url);
const file = (require("node-gyp-build") as { path(folder: string): string }).path(fromRoot());
const addonModule = require(file) as AddonModule & NativeAddon;

/** What a copy of the library calls its error class; `tag` says whose it is. */
const classSource = (tag: string) => `(class MedInferError extends Error {
  constructor(code, message, options) {
    super(message);
    Object.assign(this, { code, retryable: options.retryable, tag: ${JSON.stringify(tag)} });
  }
})`;

type ErrorClass = Parameters<AddonModule["withErrorClass"]>[0];
const makeClass = (tag: string, context?: vm.Context) =>
  vm.runInContext(classSource(tag), context ?? vm.createContext({})) as ErrorClass;

/** The addon as a copy of the library has it. */
function bind(errorClass: ErrorClass): NativeAddon {
  const addon = addonModule.withErrorClass(errorClass);
  addon.initBackends(path.dirname(file));
  return addon;
}

/** A load of the package's own model. */
const loadOptions = {
  task: "generate",
  pooling: "auto",
  modelPath: fromRoot("models", "medinfer-tiny.gguf"),
  mmprojPath: "",
  mmprojCandidates: [],
  onlyModel: true,
  device: "cpu",
  cudaBackend: "",
  cudaProblem: "",
  mainGpu: 0,
  nGpuLayers: 0,
  splitMode: "layer",
  tensorSplit: [],
  nCtx: 512,
  nCtxPerRequest: 0,
  batchSize: 1,
  nBatch: 0,
  nUbatch: 64,
  nThreads: 1,
  kvType: "f16",
  kvPageSize: 32,
  kvPrefixCache: true,
  kvGather: false,
  kvSwapBytes: 0,
  kvHostBytes: 0,
  draftPath: "",
  heads: "auto",
  kvDiskFolder: "",
  kvDiskBytes: 0,
  kvHostOnCpuOnly: false,
  maxQueue: 8,
  maxImageBytes: 1 << 20,
  maxImagePixels: 1e6,
  imageCacheBytes: 0,
  adapterBytes: 0,
} as const;

const thrown = (call: () => unknown): unknown => {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("it did not throw");
};

/** Everything of an engine and its copy that fails: thrown, rejected, in an event. */
async function failures(addon: NativeAddon): Promise<unknown[]> {
  const ends: ((event: NativeEvent) => void)[] = [];
  const onEvents = (events: NativeEvent[]) => events.forEach((event) => ends.shift()!(event));
  const next = () => new Promise<NativeEvent>((resolve) => ends.push(resolve));
  const load = (changes: object) =>
    addon.load({ ...loadOptions, tensorSplit: [], mmprojCandidates: [], ...changes }, onEvents, () => {}).engine;
  const found: unknown[] = [
    thrown(() => addon.jsonSchemaToGrammar('{"uniqueItems": true}')),
    thrown(() => addon.load(undefined as never, onEvents, () => {})),
    await load({ modelPath: "no-such-file.gguf" }).catch((error: unknown) => error),
    await load({ nCtxPerRequest: 4096 }).catch((error: unknown) => error),
  ];
  const engine: NativeEngine = await load({});
  found.push(
    thrown(() => engine.tokenize(5 as never, true, true)),
    thrown(() => engine.submit(undefined as never)),
  );
  const restored = next();
  engine.restoreState("/no/such/file");
  const event = await restored;
  found.push(event.type === "failed" ? event.error : event);
  await engine.close();
  found.push(thrown(() => engine.stats()));
  return found;
}

const codes = [
  "INVALID_ARGUMENT",
  "INVALID_ARGUMENT",
  "MODEL_NOT_FOUND",
  "INVALID_ARGUMENT",
  "INVALID_ARGUMENT",
  "INVALID_ARGUMENT",
  "BAD_SESSION",
  "CLOSED",
];

describe("the addon's errors", () => {
  it("are of the class that was handed to it, of another realm too, with code, message and retryable", async () => {
    const ours = makeClass("ours");
    const found = (await failures(bind(ours))) as { code: string; message: string; retryable: boolean }[];
    expect(found.map(({ code }) => code)).toEqual(codes);
    for (const error of found) {
      expect(error).toBeInstanceOf(ours);
      expect(error).not.toBeInstanceOf(Error); // of this realm
      expect(error.message.length).toBeGreaterThan(5);
      expect(error.retryable).toBe(false);
    }
  });

  it("are of each copy's own class, where several share the addon and take turns", async () => {
    const copies = ["first", "second", "third"].map((tag) => bind(makeClass(tag)));
    const found = (await Promise.all(copies.map(failures))) as { tag: string; code: string }[][];
    found.forEach((errors, i) => {
      expect(errors.map(({ code }) => code)).toEqual(codes);
      expect(new Set(errors.map(({ tag }) => tag))).toEqual(new Set([["first", "second", "third"][i]]));
    });
  });

  it("keep to the caller's class where a callback of one copy calls another", () => {
    const [outer, inner] = [bind(makeClass("outer")), bind(makeClass("inner"))];
    let within: unknown;
    const options = {
      ...loadOptions,
      get modelPath() {
        within = thrown(() => inner.jsonSchemaToGrammar("{"));
        return 5 as never;
      },
    };
    const error = thrown(() => outer.load(options as never, () => {}, () => {})); // prettier-ignore
    expect(within).toMatchObject({ tag: "inner", code: "INVALID_ARGUMENT" });
    expect(error).toMatchObject({ tag: "outer", code: "INVALID_ARGUMENT", message: /^options\.modelPath must/ });
  });

  it("leave what a caller's own code throws as it is", () => {
    const own = new RangeError("own");
    const options = {
      get modelPath(): string {
        throw own;
      },
    };
    expect(thrown(() => bind(makeClass("x")).load(options as never, () => {}, () => {}))).toBe(own); // prettier-ignore
  });

  it("are plain errors with a code where no class was given, or its constructor fails", () => {
    const plain = thrown(() => addonModule.jsonSchemaToGrammar("{"));
    expect(plain).toBeInstanceOf(Error);
    expect(plain).toMatchObject({ name: "Error", code: "INVALID_ARGUMENT", retryable: false });
    class Failing {
      constructor() {
        throw new Error("no");
      }
    }
    const fallback = thrown(() => bind(Failing as never).jsonSchemaToGrammar("{"));
    expect(fallback).toMatchObject({ name: "Error", code: "INVALID_ARGUMENT", retryable: false });
    expect((fallback as Error).message).toBe((plain as Error).message);
    for (const wrong of [undefined, null, {}, "x"]) {
      expect(thrown(() => addonModule.withErrorClass(wrong as never))).toMatchObject({
        name: "TypeError",
        code: "INVALID_ARGUMENT",
      });
    }
  });

  it("are of a worker's own class", async () => {
    const code = `
      const { parentPort } = require("node:worker_threads");
      const MedInferError = ${classSource("worker")};
      const addon = require(${JSON.stringify(file)}).withErrorClass(MedInferError);
      try { addon.jsonSchemaToGrammar("{"); }
      catch (error) { parentPort.postMessage([error instanceof MedInferError, error.tag, error.code]); }`;
    const ours = bind(makeClass("main"));
    const workers = [1, 2].map(() => new Worker(code, { eval: true }));
    const answers = workers.map((worker) => new Promise((resolve) => worker.once("message", resolve)));
    expect(thrown(() => ours.jsonSchemaToGrammar("{"))).toMatchObject({ tag: "main" });
    expect(await Promise.all(answers)).toEqual(Array(2).fill([true, "worker", "INVALID_ARGUMENT"]));
    expect(thrown(() => ours.jsonSchemaToGrammar("{"))).toMatchObject({ tag: "main" });
    await Promise.all(workers.map((worker) => worker.terminate()));
  });

  it("hold no realm in memory whose library is gone", async () => {
    const { setFlagsFromString } = await import("node:v8");
    setFlagsFromString("--expose-gc");
    const collectGarbage = vm.runInNewContext("gc") as () => void;
    const classes: WeakRef<object>[] = [];
    const make = () => {
      for (let i = 0; i < 20; i++) {
        const made = makeClass(`copy ${i}`);
        expect(thrown(() => bind(made).jsonSchemaToGrammar("{"))).toBeInstanceOf(made);
        classes.push(new WeakRef(made));
      }
    };
    make();
    for (let i = 0; i < 10 && classes.some((each) => each.deref() !== undefined); i++) {
      await new Promise((resolve) => setImmediate(resolve));
      collectGarbage();
    }
    expect(classes.filter((each) => each.deref() !== undefined).length).toBeLessThanOrEqual(1);
  });
});
