import type { NativeEngine, NativeEvent } from "./native/types.js";
import type { EngineCore } from "./core.js";
import { toMedInferError } from "./errors.js";

/** Starts work of the engine that runs on threads of its own, and resolves with the event of this type that ends it. */
export function work<T extends "saved" | "restored" | "counted">(
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
