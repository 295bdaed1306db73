/** The package's own model, loaded small: every test of the public API runs on it. */
import { Engine, type GenerationEvent, type LoadOptions, MedInferError } from "medinfer";
import { expect } from "vitest";

export const loadTiny = (options: LoadOptions = {}): Promise<Engine> =>
  Engine.load({ nThreads: 1, nCtx: 2048, ...options });

export const user = (content: string) => [{ role: "user", content }];

/** A request that goes on until something ends it. */
export const endless = { messages: user("Hello"), ignoreEos: true };

export const greedy = { temperature: 0 };

export async function errorOf(action: Promise<unknown> | (() => unknown)): Promise<MedInferError> {
  try {
    await (typeof action === "function" ? action() : action);
  } catch (error) {
    expect(error).toBeInstanceOf(MedInferError);
    return error as MedInferError;
  }
  throw new Error("it did not fail");
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of source) all.push(item);
  return all;
}

/** Reads until an event of this type, and returns the reader, so that the request goes on. */
export async function readUntil(
  generation: AsyncIterable<GenerationEvent>,
  type: GenerationEvent["type"],
): Promise<AsyncIterator<GenerationEvent>> {
  const reader = generation[Symbol.asyncIterator]();
  for (;;) {
    const next = await reader.next();
    if (next.done === true) throw new Error(`there was no "${type}"`);
    if (next.value.type === type) return reader;
  }
}

/** Waits until something holds; fails after `ms`. */
export async function until(holds: () => boolean, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!holds()) {
    if (Date.now() > end) throw new Error("it never held");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
