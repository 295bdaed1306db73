import type { Word } from "../../page-text.js";
import { cleanText } from "./clean-text.js";
import { Memory } from "./memory.js";
import type { PageSpace } from "./page-space.js";
import type { Pdfium } from "./pdfium.js";

/** FPDF_ANNOT_FREETEXT and FPDF_ANNOT_WIDGET of fpdf_annot.h. */
const FREE_TEXT = 3;
const WIDGET = 20;
/** Form fields with a text of their own: FPDF_FORMFIELD_TEXTFIELD, COMBOBOX and LISTBOX of fpdf_formfill.h. */
const TEXT_FIELD = 6;
const CHOICES = [4, 5];
/** Bits 2 (hidden) and 6 (not viewed) of an annotation's flags: ISO 32000-2, table 167. */
const UNSEEN = 0b100010;

/**
 * What is written into form fields and text annotations, each with the place of its field: a page's text layer has none of it.
 * Hidden ones are left out, as on the picture.
 */
export function annotationText(pdfium: Pdfium, page: number, form: number, space: PageSpace): Word[] {
  const found: Word[] = [];
  for (let index = 0; index < pdfium.FPDFPage_GetAnnotCount(page); index++) {
    const annotation = pdfium.FPDFPage_GetAnnot(page, index);
    if (annotation === 0) continue;
    try {
      const word = Memory.with(pdfium, (memory) => readAnnotation(pdfium, annotation, form, space, memory));
      if (word !== undefined) found.push(word);
    } finally {
      pdfium.FPDFPage_CloseAnnot(annotation);
    }
  }
  return found;
}

function readAnnotation(
  pdfium: Pdfium,
  annotation: number,
  form: number,
  space: PageSpace,
  memory: Memory,
): Word | undefined {
  if ((pdfium.FPDFAnnot_GetFlags(annotation) & UNSEEN) !== 0) return undefined;
  const text = cleanText(textOf(pdfium, annotation, form, memory)).trimStart();
  const rect = memory.allocate(16); // FS_RECTF: left, top, right, bottom
  if (text === "" || !pdfium.FPDFAnnot_GetRect(annotation, rect)) return undefined;
  const [left, top, right, bottom] = [0, 4, 8, 12].map((at) => memory.float(rect + at)) as [
    number,
    number,
    number,
    number,
  ];
  return { text, box: space.place({ left, right, top: Math.max(top, bottom), bottom: Math.min(top, bottom) }) };
}

function textOf(pdfium: Pdfium, annotation: number, form: number, memory: Memory): string {
  const subtype = pdfium.FPDFAnnot_GetSubtype(annotation);
  if (subtype === FREE_TEXT) {
    return memory.text((buffer, size) => pdfium.FPDFAnnot_GetStringValue(annotation, "Contents", buffer, size));
  }
  if (subtype !== WIDGET || form === 0) return "";
  const type = pdfium.FPDFAnnot_GetFormFieldType(form, annotation);
  if (type !== TEXT_FIELD && !CHOICES.includes(type)) return "";
  const chosen = CHOICES.includes(type) ? chosenLabels(pdfium, annotation, form, memory) : [];
  if (chosen.length > 0) return chosen.join("\n");
  return memory.text((buffer, size) => pdfium.FPDFAnnot_GetFormFieldValue(form, annotation, buffer, size));
}

/** What a choice field shows: its value may be a code that nobody sees, and is the first of several. */
function chosenLabels(pdfium: Pdfium, annotation: number, form: number, memory: Memory): string[] {
  const labels: string[] = [];
  for (let index = 0; index < pdfium.FPDFAnnot_GetOptionCount(form, annotation); index++) {
    if (!pdfium.FPDFAnnot_IsOptionSelected(form, annotation, index)) continue;
    labels.push(memory.text((buffer, size) => pdfium.FPDFAnnot_GetOptionLabel(form, annotation, index, buffer, size)));
  }
  return labels;
}
