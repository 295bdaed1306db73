import { Problem } from "../http/problem.js";

/** So long a run of base64 in a text is a file: some clients send a tool's picture so, and a megabyte becomes the prompt. */
const LONGEST_BASE64 = 8192;

/** @throws Problem 400 where the text holds a file */
export function noFile(text: string, param: string): string {
  if (text.length < LONGEST_BASE64 || !longBase64.test(text)) return text;
  const what = `${param} holds a file as base64 in a text, which would be read letter by letter`;
  throw new Problem(400, "base64_in_text", `${what}: send images as parts of their own`, { param });
}

const longBase64 = new RegExp(`[A-Za-z0-9+/]{${LONGEST_BASE64}}`);
