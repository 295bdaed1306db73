// The GPU host that is measured: its CUDA backend, its limits, its memory.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";

import { devices } from "medinfer";

import { fromRoot } from "../../test/support/paths.mjs";
import { lendCuda, peer } from "../lib/peers.mjs";

const backendDir = fromRoot("build", "Release");
const cudaBackend = path.join(backendDir, "libggml-cuda.so");

/**
 * Builds what is missing: the CUDA backend, unless one lies beside the addon, and those of llama.cpp's programs.
 * @param {{ gpu: boolean, peers: ("llama-bench" | "llama-server")[], log: (line: string) => void }} options without `gpu`
 *   all runs on the CPU, to try the benchmark out
 */
export function prepare({ gpu, peers, log }) {
  if (gpu && !existsSync(cudaBackend)) {
    log("building the CUDA backend, once");
    const { status } = spawnSync(process.execPath, [fromRoot("scripts", "build-cuda.mjs")], {
      stdio: ["ignore", 2, 2],
    });
    if (status !== 0) throw new Error("the CUDA backend could not be built: see above");
  }
  for (const name of peers) peer(name, { gpu, log });
  if (!gpu) return;
  if (peers.length > 0) lendCuda(cudaBackend);
  if (device() === undefined) throw new Error('no GPU works here: Engine.load({ device: "cuda" }) says why');
}

/** The first GPU as medinfer sees it. */
export const device = () => devices().find((each) => each.backend === "cuda");

/**
 * What it can do at most: bytes a second of a copy or of weights that are read, and operations a second of a product of F16
 * matrices.
 * @param {{ gpu: boolean, quick: boolean }} options
 * @returns {{ device: string, description: string, bytesPerSecond: number, flopPerSecond: number }}
 */
export function limits({ gpu, quick }) {
  const words = [backendDir, gpu ? "gpu" : "cpu", ...(quick ? ["--quick"] : [])];
  return JSON.parse(execFileSync(fromRoot("out", "source", "bin", "device_limits"), words, { encoding: "utf8" }));
}
