import { addonDirectory, loadAddon } from "./addon.js";
import { findCudaBackend } from "./cuda-backend.js";
import type { Device } from "./model-info.js";
import { packageRoot } from "../package-root.js";

/**
 * The devices that can compute, the CPU included. The first call starts NVIDIA's driver, where it and the CUDA backend
 * are installed: that can take a second. Why a GPU is missing here, `Engine.load({ device: "cuda" })` says.
 */
export function devices(): Device[] {
  const { path = "" } = findCudaBackend(addonDirectory(), packageRoot());
  return loadAddon().devices(path);
}
