// Where an engine runs, on a host whose NVIDIA driver and CUDA backend are as a test wants them. Every case has a process
// of its own, with a libcuda.so.1 that answers as its environment says: what fails is the real way through the addon.
import { fork } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { devices, type Device, type ErrorCode, type LoadOptions, type ModelInfo } from "medinfer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { fromRoot } from "../support/paths.mjs";
import { fakeCudaDir } from "../support/tools.mjs";
import { errorOf, loadTiny } from "./support/engines.js";

interface Report {
  devices: Device[];
  info?: ModelInfo;
  spoke?: boolean;
  error?: { name: string; code: ErrorCode; message: string; retryable: boolean };
  warnings: { name: string; code?: string; message: string }[];
}

const { version } = JSON.parse(readFileSync(fromRoot("package.json"), "utf8")) as { version: string };
let modules: string;
let child: string;

beforeAll(() => {
  modules = mkdtempSync(path.join(tmpdir(), "medinfer-modules-"));
  // A medinfer beside whose addon no backend has been built: that would be taken before any package.
  const own = path.join(modules, "node_modules", "medinfer");
  const addon = path.join("build", "Release");
  cpSync(fromRoot(addon), path.join(own, addon), {
    recursive: true,
    filter: (file) => path.basename(file) !== "libggml-cuda.so",
  });
  for (const part of ["dist", "package.json"]) cpSync(fromRoot(part), path.join(own, part), { recursive: true });
  for (const part of ["models", "node_modules"]) symlinkSync(fromRoot(part), path.join(own, part));
  child = path.join(modules, "load.mjs");
  copyFileSync(fromRoot("test", "support", "children", "load.mjs"), child);
});
afterAll(() => {
  rmSync(modules, { recursive: true, force: true });
});

/** Makes the optional package, and returns the folder that NODE_PATH names. */
function install(name: string, packageVersion: string, write: (file: string) => void): string {
  const folder = path.join(modules, name);
  const own = path.join(folder, "@medinfer", "linux-x64-cuda");
  mkdirSync(own, { recursive: true });
  writeFileSync(path.join(own, "package.json"), JSON.stringify({ version: packageVersion }));
  write(path.join(own, "libggml-cuda.so"));
  return folder;
}

const installFake = (): string =>
  install("fake", version, (file) => copyFileSync(path.join(fakeCudaDir(), "libggml-cuda.so"), file));

function load(options: LoadOptions, driver: string, nodePath: string): Promise<Report> {
  return new Promise((resolve, reject) => {
    const running = fork(child, {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      timeout: 60_000,
      env: {
        ...process.env,
        NODE_PATH: nodePath,
        LD_LIBRARY_PATH: fakeCudaDir(),
        MEDINFER_FAKE_CUDA: driver,
        NODE_OPTIONS: "--no-warnings",
      },
    });
    let output = "";
    let report: Report | undefined;
    running.stdout?.on("data", (data) => (output += String(data)));
    running.stderr?.on("data", (data) => (output += String(data)));
    running.on("message", (message) => (report = message as Report));
    running.on("error", reject);
    running.on("close", (code, signal) => {
      if (code === 0 && report !== undefined && output === "") resolve(report);
      else reject(new Error(`the child ended with ${signal ?? code} and printed: ${output}`));
    });
    running.send(options);
  });
}

type Case = [name: string, driver: string, code: ErrorCode, message: RegExp];
const failures: Case[] = [
  ["a driver that does not start", "init=803", "NO_DEVICE", /CUDA_ERROR_SYSTEM_DRIVER_MISMATCH/],
  ["a driver without a GPU", "count=0", "NO_DEVICE", /finds no GPU.*CUDA_VISIBLE_DEVICES/],
  ["a driver that is too old", "version=12040", "NO_DEVICE", /CUDA 12\.4 at most.*CUDA 13\.0/],
  ["a GPU that somebody holds alone", "enter=46", "DEVICE_BUSY", /held by another process/],
  ["a GPU without memory", "enter=2", "OUT_OF_MEMORY", /no memory left/],
  ["a backend of another version", "", "BACKEND_LOST", /another version of medinfer/],
];

describe.runIf(process.platform === "linux" && process.arch === "x64")("with the CUDA backend installed", () => {
  test.each(failures)("%s: who asked for CUDA gets an error", async (_name, driver, code, message) => {
    const report = await load({ device: "cuda" }, driver, installFake());
    expect(report.error).toMatchObject({ name: "MedInferError", code });
    expect(report.error!.message).toMatch(message);
    expect(report.error!.retryable).toBe(["DEVICE_BUSY", "OUT_OF_MEMORY", "BACKEND_LOST"].includes(code));
    expect(report.devices.map((device) => device.backend)).toEqual(["cpu"]);
    expect(report.warnings).toEqual([]);
  });

  test.each(failures)("%s: who left the choice gets the CPU and a warning", async (_name, driver, _code, message) => {
    const report = await load({}, driver, installFake());
    expect(report).toMatchObject({ spoke: true, info: { nGpuLayers: 0 } });
    expect(report.info!.warning).toMatch(message);
    expect(report.warnings).toEqual([
      { name: "MedInferWarning", code: "MEDINFER_CPU", message: `the model runs on the CPU: ${report.info!.warning}` },
    ]);
  });

  test("who asked for the CPU, or for no layer on the GPU, hears nothing", async () => {
    for (const options of [{ device: "cpu" }, { nGpuLayers: 0 }] as const) {
      const report = await load(options, "init=803", installFake());
      expect(report).toMatchObject({ spoke: true, info: { nGpuLayers: 0, warning: "" }, warnings: [] });
    }
  });

  test("a backend that is damaged", async () => {
    const folder = install("damaged", version, (file) => writeFileSync(file, "not a library"));
    const report = await load({ device: "cuda" }, "", folder);
    expect(report.error).toMatchObject({ code: "BACKEND_LOST" });
    expect(report.error!.message).toMatch(/libggml-cuda\.so.*LD_LIBRARY_PATH/);
  });

  test("a package of another version is not loaded", async () => {
    const folder = install("other", "0.0.1", () => undefined);
    const asked = await load({ device: "cuda" }, "", folder);
    expect(asked.error).toMatchObject({ code: "NO_DEVICE" });
    expect(asked.error!.message).toContain(`npm install @medinfer/linux-x64-cuda@${version}`);
    const left = await load({}, "", folder);
    expect(left.warnings).toHaveLength(1);
    expect(left.info!.warning).toContain("0.0.1");
  });
});

describe("on the CPU", () => {
  test("the devices are listed", () => {
    const [cpu] = devices().filter((device) => device.backend === "cpu");
    expect(cpu).toMatchObject({ name: "CPU" });
    expect(cpu!.memoryTotal).toBeGreaterThan(2 ** 28);
  });

  test("a model says what memory it takes", async () => {
    const small = await loadTiny({ device: "cpu", nCtx: 512, mmproj: null });
    const large = await loadTiny({ device: "cpu", nCtx: 4096 });
    const [of] = small.info.memory;
    const [ofLarge] = large.info.memory;
    expect(of!.device).toBe("CPU");
    expect(of!.weights).toBeGreaterThan(small.info.bytes / 2);
    expect(ofLarge!.kv).toBe(of!.kv * 8);
    expect(of!.compute).toBeGreaterThan(0);
    expect(of!.projector).toBe(0);
    expect(ofLarge!.projector).toBeGreaterThan(1e6);
    expect(small.info.nGpuLayers).toBe(0);
    await small.close();
    await large.close();
  });

  test.runIf(!devices().some((device) => device.backend === "cuda"))("CUDA is refused", async () => {
    const error = await errorOf(loadTiny({ device: "cuda" }));
    expect(error.code).toBe("NO_DEVICE");
  });
});
