import { onAbort } from "../abort.js";
import { unlessClosed } from "../unless-closed.js";
import type { Dispatcher } from "./dispatcher.js";
import type { NativeEngine, NativeEvent, RequestId } from "./types.js";

/** The events that end a task well. A generation is no task: it has many events, see generation/request-state.ts. */
type TaskEnd = "counted" | "embedded" | "pooled" | "saved" | "restored" | "adapterLoaded" | "adapterUnloaded";

/** Where tasks run. */
export interface TaskHost {
  readonly native: NativeEngine;
  readonly dispatcher: Dispatcher;
}

/**
 * Starts work that the engine does on threads of its own, and resolves with the event of the type `end`. This is the one way
 * to await such work.
 *
 * @param signal cancels the task when it is aborted; the engine then ends it with `ABORTED`
 * @throws MedInferError (rejects) what `start` throws, and what the task fails with
 */
export function runTask<T extends TaskEnd>(
  { native, dispatcher }: TaskHost,
  end: T,
  start: (native: NativeEngine) => RequestId,
  signal?: AbortSignal,
): Promise<Extract<NativeEvent, { type: T }>> {
  return new Promise((resolve, reject) => {
    const id = start(native); // what it throws rejects
    const cancel = () => {
      try {
        unlessClosed(() => native.cancel(id));
      } catch (error) {
        const reason = error as Error;
        reject(reason);
      }
    };
    const removeListener = onAbort(signal, cancel);
    dispatcher.register(id, {
      onEvent(event) {
        removeListener();
        if (event.type === end) resolve(event as Extract<NativeEvent, { type: T }>);
        else if (event.type === "failed") reject(event.error);
      },
    });
  });
}
