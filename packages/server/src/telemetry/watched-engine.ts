import type { Engine, Generation, GenerationEvent } from "medinfer";

export interface Watch {
  /** The engine is asked for a generation. */
  onSubmit(): void;
  /** Tokens of a choice are handed to what writes them. */
  onTokens(choice: number): void;
}

/**
 * An engine that tells when its generations hand tokens on. Every stream of the API reads its tokens from a generation, whatever
 * events it makes of them: so this is the one place at which all of them pass.
 */
export function watched(engine: Engine, watch: Watch): Engine {
  return new Proxy(engine, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== "chat" && name !== "complete") return value.bind(target) as unknown;
      return (...options: unknown[]) => {
        watch.onSubmit();
        return watchedGeneration(value.apply(target, options) as Generation, watch);
      };
    },
  });
}

function watchedGeneration(generation: Generation, watch: Watch): Generation {
  const seen = (next: IteratorResult<GenerationEvent, undefined>) => {
    if (next.done !== true && holdsTokens(next.value)) watch.onTokens((next.value as { index?: number }).index ?? 0);
    return next;
  };
  return {
    get result() {
      return generation.result;
    },
    finish: () => generation.finish(),
    [Symbol.asyncIterator]() {
      const events = generation[Symbol.asyncIterator]();
      return {
        next: () => events.next().then(seen),
        return: () => events.return?.() ?? Promise.resolve({ done: true, value: undefined }),
        [Symbol.asyncIterator]() {
          return this;
        },
      };
    },
  };
}

function holdsTokens({ type }: GenerationEvent): boolean {
  return type === "text" || type === "reasoning" || type === "toolCall";
}
