import { beforeEach, describe, expect, it, vi } from "vitest";
import { Engine } from "../../lib/engine.js";
import { MedInferError } from "../../lib/errors.js";
import { rejection, settle } from "./support/collect.js";
import { nativeError, type FakeAddon } from "./support/fake-addon.js";
import { useFakeAddon } from "./support/fake-binding.js";
import { usePicture } from "./support/picture.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

const { picture } = usePicture();
let addon: FakeAddon;
beforeEach(() => {
  addon = useFakeAddon();
});

describe("Engine.load", () => {
  it("passes every option on, in the addon's terms", async () => {
    await Engine.load({
      mmproj: null,
      device: "cpu",
      mainGpu: 1,
      nGpuLayers: 99,
      splitMode: "row",
      tensorSplit: [3, 1],
      nCtx: 2048,
      nCtxPerRequest: 512,
      batchSize: 8,
      nBatch: 1024,
      nUbatch: 256,
      nThreads: 2,
      kv: {
        type: "q8_0",
        pageSize: 64,
        prefixCache: true,
        gather: false,
        swapBytes: 1024,
        hostCacheBytes: 4096,
        diskCacheFolder: "/var/cache/x",
        diskCacheBytes: 8192,
      },
      maxQueue: 10,
      maxImageBytes: 1,
      maxImagePixels: 2,
      imageCacheBytes: 0,
    });
    expect(addon.loads).toEqual([
      {
        task: "generate",
        pooling: "auto",
        modelPath: expect.stringMatching(/medinfer-tiny\.gguf$/) as string,
        mmprojPath: "",
        draftPath: "",
        heads: "auto",
        mmprojCandidates: [],
        onlyModel: false,
        device: "cpu",
        cudaBackend: "",
        cudaProblem: "",
        mainGpu: 1,
        nGpuLayers: 99,
        splitMode: "row",
        tensorSplit: [3, 1],
        nCtx: 2048,
        nCtxPerRequest: 512,
        batchSize: 8,
        nBatch: 1024,
        nUbatch: 256,
        nThreads: 2,
        kvType: "q8_0",
        kvPageSize: 64,
        kvPrefixCache: true,
        kvGather: false,
        kvSwapBytes: 1024,
        kvHostBytes: 4096,
        kvDiskFolder: "/var/cache/x",
        kvDiskBytes: 8192,
        kvHostOnCpuOnly: false,
        maxQueue: 10,
        maxImageBytes: 1,
        maxImagePixels: 2,
        imageCacheBytes: 0,
        adapterBytes: 0,
      },
    ]);
  });

  it("writes automatic choices as the addon does", async () => {
    await Engine.load();
    expect(addon.loads[0]).toMatchObject({
      device: "auto",
      mainGpu: 0,
      nGpuLayers: -1,
      nThreads: 0,
      nBatch: 0,
      nCtxPerRequest: 0,
      kvType: "f16",
      kvPageSize: 32,
      kvPrefixCache: true,
      kvGather: true,
      kvSwapBytes: -1,
      kvHostOnCpuOnly: true,
    });
    const { kvHostBytes } = addon.loads[0]!;
    expect(Number.isInteger(kvHostBytes)).toBe(true);
    expect(kvHostBytes).toBeGreaterThan(0);
    expect(kvHostBytes).toBeLessThanOrEqual(2 ** 33);
  });

  it("keeps no prefixes where it is told so", async () => {
    await Engine.load({ mmproj: null, kv: { prefixCache: false } });
    expect(addon.loads[0]).toMatchObject({ kvPrefixCache: false, kvDiskFolder: "" });
  });

  it("refuses a disk cache that would hold nothing", async () => {
    const reject = (kv: object) => rejection(Engine.load({ mmproj: null, kv }));
    expect(await reject({ diskCacheBytes: 8192 })).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("diskCacheFolder") as string,
    });
    expect(await reject({ diskCacheFolder: "/var/cache/x", prefixCache: false })).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("prefixCache") as string,
    });
    expect(await reject({ hostCacheBytes: 4096, prefixCache: false })).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("hostCacheBytes") as string,
    });
    expect(await reject({ diskCacheFolder: "a\0b" })).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("kv.diskCacheFolder must not hold a null character") as string,
    });
    expect(addon.loads).toEqual([]);
    await Engine.load({ mmproj: null, kv: { hostCacheBytes: 0, prefixCache: false } });
  });

  it("says whether heads are to guess", async () => {
    for (const heads of [undefined, true, false]) await Engine.load({ heads });
    expect(addon.loads.map(({ heads }) => heads)).toEqual(["auto", "on", "off"]);
  });

  it("rejects what the addon refuses, and says that a projector was only found", async () => {
    addon.failure = nativeError("BAD_MMPROJ", "made for another model");
    const guessed = await rejection(Engine.load());
    expect(guessed).toBeInstanceOf(MedInferError);
    expect(guessed).toMatchObject({ code: "BAD_MMPROJ" });
    expect(guessed.message).toContain("mmproj: null");
    const named = await rejection(Engine.load({ mmproj: picture }));
    expect(named.message).toBe("made for another model");
    addon.failure = nativeError("OUT_OF_MEMORY", "too large", true);
    expect(await rejection(Engine.load())).toMatchObject({ code: "OUT_OF_MEMORY", retryable: true });
  });

  it("warns once why no projector was taken, and again where one is missed", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    addon.info = { vision: false, projectorWarning: "no projector fits" };
    const engine = await Engine.load();
    expect(warned.mock.calls).toEqual([
      ["the model reads no images: no projector fits", { type: "MedInferWarning", code: "MEDINFER_MMPROJ" }],
    ]);
    warned.mockRestore();
    const error = await rejection(engine.complete({ prompt: [{ type: "image", image: picture }] }).result);
    expect(error).toMatchObject({ code: "NO_VISION" });
    expect(error.message).toMatch(/no projector fits$/);
  });

  it("checks the chat template before it loads", async () => {
    expect(await rejection(Engine.load({ chatTemplate: "nope" }))).toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    expect(addon.loads).toEqual([]);
  });

  it("reports progress, and ends with what the report throws", async () => {
    addon.progress = [0.1, 0.5, 1];
    const seen: number[] = [];
    await Engine.load({ onProgress: (fraction) => void seen.push(fraction) });
    expect(seen).toEqual([0.1, 0.5, 1]);
    const error = new Error("mine");
    const onProgress = vi.fn(() => {
      throw error;
    });
    expect(await rejection(Engine.load({ onProgress }))).toBe(error);
    expect(onProgress).toHaveBeenCalledOnce();
    expect(addon.aborted).toBe(1);
  });

  it("is aborted before, in the middle, and at the last moment", async () => {
    expect(await rejection(Engine.load({ signal: AbortSignal.abort("why") }))).toMatchObject({
      code: "ABORTED",
      cause: "why",
    });
    expect(addon.loads).toEqual([]);

    const middle = new AbortController();
    addon.gate = new Promise(() => {});
    const loading = Engine.load({ signal: middle.signal });
    while (addon.loads.length === 0) await settle();
    middle.abort();
    expect(await rejection(loading)).toMatchObject({ code: "ABORTED" });
    expect(addon.aborted).toBe(1);

    addon = useFakeAddon();
    const last = new AbortController();
    addon.info = { nVocab: 20_000 };
    addon.gate = new Promise((resolve) => setTimeout(resolve, 10));
    void addon.gate.then(() => setImmediate(() => last.abort()));
    expect(await rejection(Engine.load({ signal: last.signal }))).toMatchObject({ code: "ABORTED" });
    expect(addon.engine.closed).toBe(true);
  });

  it("leaves no listener on the signal", async () => {
    const { signal } = new AbortController();
    const [add, remove] = [vi.spyOn(signal, "addEventListener"), vi.spyOn(signal, "removeEventListener")];
    await Engine.load({ signal });
    expect(remove).toHaveBeenCalledTimes(add.mock.calls.length);
  });
});
