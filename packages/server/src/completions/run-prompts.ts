import type { GenerationResult } from "medinfer";
import { withAllChoices } from "../generate/usage.js";
import type { Prompt } from "./completion-options.js";

/** Completes one prompt; it ends when the signal is aborted. */
type Complete = (prompt: Prompt, index: number, signal: AbortSignal) => Promise<GenerationResult>;

/**
 * Completes all prompts, `atOnce` of them at a time. Where one fails the others end.
 *
 * @throws MedInferError (rejects) what the first fails with
 */
export async function runPrompts(
  prompts: readonly Prompt[],
  atOnce: number,
  signal: AbortSignal,
  complete: Complete,
): Promise<GenerationResult[]> {
  const ending = new AbortController();
  const end = () => ending.abort();
  if (signal.aborted) end();
  signal.addEventListener("abort", end, { once: true });
  const results: GenerationResult[] = [];
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < prompts.length; i = next++) {
      results[i] = await complete(prompts[i]!, i, ending.signal);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(atOnce, prompts.length) }, lane));
    return results;
  } finally {
    end();
    signal.removeEventListener("abort", end);
  }
}

/** What all of them took, as the result of one request with all their choices. */
export function joined(results: readonly GenerationResult[]): GenerationResult {
  const [first, ...others] = results.map(withAllChoices);
  if (first === undefined) throw new Error("there is no prompt");
  if (others.length === 0) return first;
  const usage = { ...first.usage };
  for (const each of others) {
    for (const key of Object.keys(usage) as (keyof typeof usage)[]) usage[key] += each.usage[key];
  }
  return { ...first, usage, choices: results.flatMap((each) => each.choices ?? [each]) };
}
