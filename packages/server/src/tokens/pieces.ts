import type { Engine } from "medinfer";

/**
 * The text of each token, as it stands behind others: alone, some vocabularies leave out the blank in front of it. Bytes that
 * are no whole character are U+FFFD.
 */
export function piecesOf(engine: Engine, tokens: Int32Array): string[] {
  const before = engine.tokenize("a").subarray(-1);
  const { length } = engine.detokenize(before, { special: true });
  return Array.from(tokens, (id) => engine.detokenize([...before, id], { special: true }).slice(length));
}
