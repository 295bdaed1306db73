/** Leaves old turns of a conversation out of its prompt where the context has no room for all of them. */
import { MedInferError } from "../errors.js";
import type { RenderedPrompt } from "./rendered-prompt.js";

/** A conversation that may lose old turns. */
export interface Shortening {
  /** How many turns may go: all but the latest. */
  readonly droppable: number;
  /** The prompt without the first `dropped` turns. */
  readonly render: (dropped: number) => RenderedPrompt;
}

/** What a prompt has to fit into, in tokens. */
export interface ContextLimits {
  /** Of the request: prompt and answer. */
  context: number;
  /** The most that is generated; -1: no limit. */
  nPredict: number;
}

/** Turns go so many parts of the context at a time. Also, the answer has such a part to itself unless it needs less. */
const PARTS = 4;

/**
 * The prompt without as many of the first turns as it takes. They go in blocks of a quarter of the context: which ones go
 * depends on the block that the conversation has reached and not on its exact length, so the requests in between begin
 * alike and find in the prefix cache what the one before has computed.
 *
 * @param count how many tokens the model reads of a prompt
 * @throws MedInferError `CONTEXT_FULL` where the latest turn by itself does not fit
 */
export async function fitContext(
  { droppable, render }: Shortening,
  { context, nPredict }: ContextLimits,
  count: (prompt: RenderedPrompt) => Promise<number>,
): Promise<{ prompt: RenderedPrompt; droppedTurns: number }> {
  const block = Math.max(1, Math.floor(context / PARTS));
  const room = nPredict < 0 ? block : Math.min(Math.max(nPredict, 1), block);
  const known = new Map<number, { prompt: RenderedPrompt; tokens: number }>();
  const without = async (dropped: number) => {
    const before = known.get(dropped);
    if (before !== undefined) return before;
    const prompt = render(dropped);
    const found = { prompt, tokens: await count(prompt) };
    known.set(dropped, found);
    return found;
  };
  const whole = await without(0);
  const over = whole.tokens + room - context;
  if (over <= 0) return { prompt: whole.prompt, droppedTurns: 0 };

  // The fewest turns that make so many tokens, or all that may go.
  const most = whole.tokens - Math.ceil(over / block) * block;
  let [fewest, enough] = [Math.min(1, droppable), droppable];
  while (fewest < enough) {
    const middle = (fewest + enough) >> 1;
    if ((await without(middle)).tokens <= most) enough = middle;
    else fewest = middle + 1;
  }
  const { prompt, tokens } = await without(enough);
  if (tokens < context) return { prompt, droppedTurns: enough };
  throw new MedInferError(
    "CONTEXT_FULL",
    `the latest turn by itself, with the system message, has ${tokens} tokens and the context of a request holds ` +
      `${context}: shorten it, or raise nCtx and nCtxPerRequest`,
  );
}
