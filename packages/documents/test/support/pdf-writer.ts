/** A page of a PDF of our own making: its content, and entries of its dictionary. */
export interface WrittenPage {
  /** Operators; font `/F1` is Helvetica. */
  readonly content?: string;
  readonly box?: readonly [number, number, number, number];
  /** Further entries, e.g. `"/Rotate 90"`. */
  readonly entries?: string;
}

/** Number of the first of the objects that are given: 1 is the catalog, 2 the tree of pages, 3 the font. */
export const FIRST_OBJECT = 4;

/**
 * A PDF 1.7, uncompressed: ISO 32000-1, 7.5.
 *
 * @param more.catalog further entries of the catalog
 * @param more.objects further objects, numbered from `FIRST_OBJECT`
 */
export function writePdf(
  pages: readonly WrittenPage[],
  { catalog = "", objects = [] }: { readonly catalog?: string; readonly objects?: readonly string[] } = {},
): Uint8Array {
  const firstPage = FIRST_OBJECT + objects.length;
  const kids = pages.map((_, index) => `${firstPage + index * 2} 0 R`);
  const bodies = [
    `<< /Type /Catalog /Pages 2 0 R ${catalog} >>`,
    `<< /Type /Pages /Count ${pages.length} /Kids [${kids.join(" ")}] >>`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ...objects,
    ...pages.flatMap(({ content = "", box = [0, 0, 300, 200], entries = "" }, index) => [
      `<< /Type /Page /Parent 2 0 R /MediaBox [${box.join(" ")}] /Resources << /Font << /F1 3 0 R >> >> ` +
        `/Contents ${firstPage + index * 2 + 1} 0 R ${entries} >>`,
      `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    ]),
  ];
  let file = "%PDF-1.7\n";
  const places = bodies.map((body, index) => {
    const at = file.length;
    file += `${index + 1} 0 obj\n${body}\nendobj\n`;
    return at;
  });
  const table = places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`);
  const size = bodies.length + 1;
  file += `xref\n0 ${size}\n0000000000 65535 f \n${table.join("")}`;
  return Buffer.from(
    `${file}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${file.lastIndexOf("xref\n0")}\n%%EOF\n`,
  );
}

/** An operator that writes a line of text with its base line there. */
export const line = (text: string, x: number, y: number, size = 24) =>
  `BT /F1 ${size} Tf ${x} ${y} Td (${text}) Tj ET\n`;
