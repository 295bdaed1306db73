import type { Engine, GenerationResult } from "medinfer";

/** Under both of its names: LangChain reads one, others the other. */
export function reasoningOf(text: string) {
  return text === "" ? {} : { reasoning_content: text, reasoning: text };
}

/** How many of an answer's tokens are reasoning: counted of its text, and at most all. */
export function reasoningTokens(
  { reasoning, usage }: Pick<GenerationResult, "reasoning" | "usage">,
  engine: Engine,
): number {
  return reasoning === "" ? 0 : Math.min(engine.tokenize(reasoning).length, usage.completionTokens);
}
