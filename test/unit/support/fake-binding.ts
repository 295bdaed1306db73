/**
 * Stands in for lib/native/addon.ts:
 *
 *     vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));
 */
import path from "node:path";
import { FakeAddon } from "./fake-addon.js";

/** This repository. */
export const packageRoot = path.resolve(import.meta.dirname, "..", "..", "..");

/** The addon that loadAddon() gives; useFakeAddon() puts a fresh one in its place. */
let addon = new FakeAddon();

export function useFakeAddon(): FakeAddon {
  addon = new FakeAddon();
  return addon;
}

export function loadAddon(): FakeAddon {
  return addon;
}

export function addonDirectory(): string {
  return addon.directory;
}
