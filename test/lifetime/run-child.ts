// Runs a script of ./children in a process of its own, and looks at how that process ends.
import { fork } from "node:child_process";
import { expect } from "vitest";

import { withoutCpuWarning } from "../support/node-arguments.mjs";
import { fromRoot } from "../support/paths.mjs";
import { randomModel, tinyAdapter, tinyMmproj, tinyModel } from "../support/random-model.mjs";

export interface ChildEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** What the child sent last. */
  message: unknown;
  ms: number;
}

/** Shapes chosen so that each phase lasts long enough to be hit, on one slow core. */
const models = JSON.stringify({
  tiny: tinyModel({ ctx: 8192 }),
  mmproj: tinyMmproj(),
  medium: randomModel("llama", { embd: 768, layers: 12, heads: 12, ff: 2048, ctx: 8192, type: "q8_0" }),
  large: randomModel("llama", { embd: 1024, layers: 16, heads: 16, ff: 2816 }),
  embedder: randomModel("bert", { embd: 384, layers: 12, heads: 12, ctx: 2048, pooling: "mean" }),
  adapter: tinyAdapter(1),
  slowMmproj: randomModel("llava-mmproj", { embd: 512, layers: 16, heads: 8, ff: 2048, image: 224, patch: 14 }),
});

export function runChild(
  script: string,
  args: string[] = [],
  { execArgv = [], timeout = 240_000 }: { execArgv?: string[]; timeout?: number } = {},
): Promise<ChildEnd> {
  const start = performance.now();
  const child = fork(fromRoot("test", "lifetime", "children", script), args, {
    execArgv: [withoutCpuWarning, ...execArgv],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, NODE_OPTIONS: "", MEDINFER_LIFETIME_MODELS: models },
    timeout,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let stderr = "";
  let message: unknown;
  child.stdout?.on("data", (data: Buffer) => (stdout += data));
  child.stderr?.on("data", (data: Buffer) => (stderr += data));
  child.on("message", (value) => (message = value));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ code, signal, stdout, stderr, message, ms: performance.now() - start });
    });
  });
}

/** As `runChild`; the child must end with `code`, by no signal, and print nothing. */
export async function runQuietChild(
  script: string,
  args: string[] = [],
  { code = 0, ...options }: { code?: number; execArgv?: string[]; timeout?: number } = {},
): Promise<ChildEnd> {
  const end = await runChild(script, args, options);
  expect({ code: end.code, signal: end.signal, stdout: end.stdout, stderr: end.stderr }).toEqual({
    code,
    signal: null,
    stdout: "",
    stderr: "",
  });
  return end;
}
