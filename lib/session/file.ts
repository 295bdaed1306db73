/** The engine's work on files of sessions, which runs on threads of its own. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { NativeEngine, NativeEvent } from "../binding.js";
import type { EngineCore } from "../core.js";
import { argumentError, toMedInferError } from "../errors.js";

/** The absolute path of a file that a caller names. */
export function filePath(call: string, path: unknown): string {
  if (path instanceof URL && path.protocol === "file:") return fileURLToPath(path);
  if (typeof path !== "string" || path === "") throw argumentError(call, "path", "must be a path or a file: URL");
  return resolve(path);
}

/** Starts work and resolves with the event of this type that ends it. */
export function work<T extends "saved" | "restored">(
  { native, dispatcher }: EngineCore,
  type: T,
  start: (native: NativeEngine) => number,
): Promise<Extract<NativeEvent, { type: T }>> {
  return new Promise((resolve, reject) => {
    const onEvent = (event: NativeEvent) => {
      if (event.type === type) resolve(event as Extract<NativeEvent, { type: T }>);
      else if (event.type === "failed") reject(toMedInferError(event.error));
    };
    try {
      dispatcher.register(start(native), { onEvent });
    } catch (error) {
      reject(toMedInferError(error));
    }
  });
}
