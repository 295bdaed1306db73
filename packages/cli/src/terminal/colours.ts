import process from "node:process";

/** Whether a stream shows colours: a terminal does, unless NO_COLOR or a dumb terminal asks for none. */
export function showsColours(stream: NodeJS.WriteStream): boolean {
  const { NO_COLOR = "", TERM } = process.env;
  return stream.isTTY === true && NO_COLOR === "" && TERM !== "dumb";
}

/** Faint, where the stream shows that. */
export function faint(text: string, stream: NodeJS.WriteStream): string {
  return showsColours(stream) ? `\x1b[2m${text}\x1b[22m` : text;
}
