/** Under both of its names: LangChain reads one, others the other. */
export function reasoningOf(text: string) {
  return text === "" ? {} : { reasoning_content: text, reasoning: text };
}
