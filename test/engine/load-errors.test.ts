/** Loads that fail: each with the code and the advice of what is wrong, and what the caller can mend first. */
import { execFileSync, spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import { devices, Engine, type LoadOptions } from "medinfer";
import { describe, expect, it } from "vitest";
import { fromRoot } from "../support/paths.mjs";
import { randomModel } from "../support/random-model.mjs";
import { errorOf, greedy } from "./support/engines.js";

describe("a quantised KV cache", () => {
  const load = (head: number, type: "q8_0" | "q4_0", more: LoadOptions = {}) =>
    Engine.load({
      model: randomModel("llama", { type: "f32", embd: head * 4, heads: 4 }),
      mmproj: null,
      nThreads: 1,
      nCtx: 256,
      kv: { type },
      ...more,
    });

  it.each([
    [24, "q8_0"],
    [24, "q4_0"],
    [80, "q8_0"],
    [16, "q4_0"],
  ] as const)("of heads of %d values as %s is refused, and not for lack of memory", async (head, type) => {
    for (const device of ["auto", "cpu"] as const) {
      const error = await errorOf(load(head, type, { device }));
      expect(error.code).toBe("INVALID_ARGUMENT");
      expect(error.message).toContain(`kv.type "${type}"`);
      expect(error.message).toContain(`${head}: choose "f16"`);
      expect(error.message).not.toContain("nCtx");
      expect(error.retryable).toBe(false);
    }
  });

  it.each([32, 64, 96])("of heads of %d values works", async (head) => {
    await using engine = await load(head, "q8_0");
    const { usage } = await engine.complete({ prompt: "mik", nPredict: 4, ignoreEos: true, sampling: greedy }).result;
    expect(usage.completionTokens).toBe(4);
  });
});

describe.runIf(!devices().some(({ backend }) => backend === "cuda"))("without CUDA", () => {
  it.each<[string, LoadOptions, string]>([
    ["an F32 cache", { kv: { type: "f32" } }, 'choose device "cpu"'],
    ["a request beyond the context", { nCtx: 512, nCtxPerRequest: 1024 }, "nCtxPerRequest"],
  ])("%s on CUDA is an argument that no device mends", async (_name, options, part) => {
    const error = await errorOf(Engine.load({ device: "cuda", ...options }));
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.message).toContain(part);
  });

  it("CUDA alone is a missing device, with what to do", async () => {
    const error = await errorOf(Engine.load({ device: "cuda" }));
    expect(error.code).toBe("NO_DEVICE");
    if (process.platform === "linux" && process.arch === "x64") {
      expect(error.message).toMatch(/npm install|NVIDIA driver/);
    }
  });
});

const tasksetWorks = process.platform === "linux" && spawnSync("taskset", ["-c", "0", "true"]).status === 0;

describe.runIf(tasksetWorks && availableParallelism() > 1)("a process with one CPU", () => {
  it("computes with one thread", () => {
    const script = `
      const { Engine } = await import(${JSON.stringify(pathToFileURL(fromRoot("dist", "index.mjs")).href)});
      const engine = await Engine.load({ nCtx: 512, device: "cpu" });
      const { result } = engine.complete({ prompt: "What is gout? ".repeat(8), nPredict: 1 });
      let most = 0;
      const timer = setInterval(() => (most = Math.max(most, engine.stats().threads)), 1);
      await result;
      clearInterval(timer);
      console.log(Math.max(most, engine.stats().threads));
      await engine.close();`;
    const threads = (command: string, args: string[]) =>
      Number(execFileSync(command, [...args, "--input-type=module", "-e", script], { encoding: "utf8" }));
    expect(threads("taskset", ["-c", "0", process.execPath])).toBe(1);
    // The first pass of all tries what there is.
    expect(threads(process.execPath, [])).toBeGreaterThan(1);
  });
});
