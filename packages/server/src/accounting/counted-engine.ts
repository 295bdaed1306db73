import type { Engine, Generation, GenerationOptions } from "medinfer";
import { CountedGeneration } from "./counted-generation.js";
import type { Spent } from "./tally.js";
import type { Watch } from "./watch.js";

/**
 * An engine whose generations tell how far they are and what they took, also those that break off. Every stream of the API reads
 * its tokens from a generation, whatever events it makes of them: this is the one place at which all of them pass. A signal does
 * not abort them in the engine, which then says nothing of their tokens: it finishes them, and they fail with `ABORTED` here.
 *
 * @param onSpent called once for each generation that reached the engine, before its end is known to its reader
 */
export function counted(engine: Engine, watch: Watch, onSpent: (spent: Spent) => void): Engine {
  return new Proxy(engine, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== "chat" && name !== "complete") return value.bind(target) as unknown;
      return ({ signal, ...options }: GenerationOptions) => {
        watch.onSubmit();
        const start = (given: GenerationOptions) => value.call(target, given) as Generation;
        if (signal === undefined || signal.aborted) return start({ ...options, ...(signal ? { signal } : {}) });
        return new CountedGeneration(start(options), { signal, watch, onSpent });
      };
    },
  });
}
