/** A text with line ends of one kind, without blanks at its end, and without surrogates that stand alone: they are no characters. */
export function cleanText(text: string): string {
  return text
    .replaceAll(/\r\n?/g, "\n")
    .replaceAll(/\p{Surrogate}/gu, "\ufffd")
    .trimEnd();
}
