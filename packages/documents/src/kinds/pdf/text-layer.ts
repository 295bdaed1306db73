import type { PageText, Word } from "../../page-text.js";
import { cleanText } from "./clean-text.js";
import { Memory } from "./memory.js";
import type { PageSpace, Rect } from "./page-space.js";
import type { Pdfium } from "./pdfium.js";

/** Characters of a page; more are no text that anyone reads, and each costs calls. */
const MOST_CHARACTERS = 200_000;
/** PDFium's mark of a hyphen at the end of a line (CPDF_TextPage). */
const LINE_HYPHEN = 0x02;

/** The text that a page's content holds, as PDFium orders it. Undefined where there is none. */
export function textLayer(pdfium: Pdfium, page: number, space: PageSpace): PageText | undefined {
  const handle = pdfium.FPDFText_LoadPage(page);
  if (handle === 0) return undefined;
  try {
    return Memory.with(pdfium, (memory) => readCharacters(pdfium, handle, space, memory));
  } finally {
    pdfium.FPDFText_ClosePage(handle);
  }
}

function readCharacters(pdfium: Pdfium, handle: number, space: PageSpace, memory: Memory): PageText | undefined {
  const count = Math.min(pdfium.FPDFText_CountChars(handle), MOST_CHARACTERS);
  if (count <= 0) return undefined;
  const edges = memory.allocate(32); // left, right, bottom, top as doubles
  const words: Word[] = [];
  let text = "";
  let word: { text: string; rect: Rect | undefined } | undefined;
  const endWord = () => {
    if (word?.rect !== undefined) words.push({ text: cleanText(word.text), box: space.place(word.rect) });
    word = undefined;
  };
  for (let index = 0; index < count; index++) {
    const code = pdfium.FPDFText_GetUnicode(handle, index);
    const character = characterOf(code);
    if (character === "") continue;
    text += character;
    if (/\s/.test(character)) {
      endWord();
      continue;
    }
    const known = pdfium.FPDFText_GetCharBox(handle, index, edges, edges + 8, edges + 16, edges + 24);
    const [left, right, bottom, top] = [0, 8, 16, 24].map((at) => memory.double(edges + at)) as [
      number,
      number,
      number,
      number,
    ];
    const rect = known && right >= left && top >= bottom ? { left, right, bottom, top } : undefined;
    word ??= { text: "", rect: undefined };
    word.text += character;
    if (rect !== undefined) word.rect = word.rect === undefined ? rect : around(word.rect, rect);
  }
  endWord();
  const clean = cleanText(text);
  return clean === "" ? undefined : { text: clean, words };
}

function characterOf(code: number): string {
  if (code === LINE_HYPHEN || code === 0xfffe) return "-";
  if (code === 0x0a || code === 0x0d || code === 0x09) return String.fromCharCode(code);
  if (code < 0x20 || code > 0x10ffff) return "";
  return code > 0xffff ? String.fromCodePoint(code) : String.fromCharCode(code);
}

const around = (a: Rect, b: Rect): Rect => ({
  left: Math.min(a.left, b.left),
  right: Math.max(a.right, b.right),
  bottom: Math.min(a.bottom, b.bottom),
  top: Math.max(a.top, b.top),
});
