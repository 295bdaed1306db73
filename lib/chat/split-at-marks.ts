/**
 * A text at the marks in it, as `text.split(new RegExp(nonce + tail))` cuts it: what `tail` captures stands between the
 * texts. A nonce is drawn for one prompt alone, and to compile an expression for each takes longer than to use it.
 *
 * @param tail what follows the nonce of a mark, from the beginning (`^`) on
 */
export function splitAtMarks(text: string, nonce: string, tail: RegExp): string[] {
  const [first, ...others] = text.split(nonce);
  const parts = [first!];
  for (const other of others) {
    const match = tail.exec(other);
    if (match === null) parts.push(parts.pop()! + nonce + other);
    else parts.push(...match.slice(1), other.slice(match[0].length));
  }
  return parts;
}
