import { loadAddon } from "./binding.js";
import { toMedInferError } from "./errors.js";
import type { Device } from "./model-info.js";

/** The devices that can compute, the CPU included. */
export function devices(): Device[] {
  try {
    return loadAddon().devices();
  } catch (error) {
    throw toMedInferError(error);
  }
}
