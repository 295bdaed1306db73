/** Documents of the tests' own making. */
import { readFileSync } from "node:fs";

/** Pixels an inch at which pages are drawn: a page of so many points has the picture's own pixels. */
const DPI = 200;
/** Of the objects: 1 is the catalog, 2 the tree of pages, 3 the font; then two for each page. */
const FIRST_PAGE = 4;

/** Of a PNG without interlacing: its size, and its compressed rows, which a PDF takes as they are. */
function readPng(file: string): { width: number; height: number; rows: Buffer } {
  const bytes = readFileSync(file);
  const parts: Buffer[] = [];
  for (let at = 8; at < bytes.length;) {
    const size = bytes.readUInt32BE(at);
    if (bytes.toString("latin1", at + 4, at + 8) === "IDAT") parts.push(bytes.subarray(at + 8, at + 8 + size));
    at += size + 12;
  }
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20), rows: Buffer.concat(parts) };
}

/**
 * A scan as scanners with text recognition write it: pages of RGB pictures, and under each some words that are not drawn. The words
 * stand 20 points from the left.
 */
export function scannedPdf(pages: readonly { png: string; words: readonly string[] }[]): Uint8Array {
  const kids = pages.map((_, index) => `${FIRST_PAGE + index * 2} 0 R`).join(" ");
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    `<< /Type /Pages /Count ${pages.length} /Kids [${kids}] >>`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ...pages.flatMap(({ png, words }, index) => {
      const { width, height, rows } = readPng(png);
      const [wide, high] = [(width * 72) / DPI, (height * 72) / DPI];
      const filters = `/F [/AHx /Fl] /DP [null << /Predictor 15 /Colors 3 /Columns ${width} >>]`;
      const image = `BI /W ${width} /H ${height} /CS /RGB /BPC 8 ${filters} ID ${rows.toString("hex")}> EI`;
      const lines = words.map((word, n) => `BT /F1 10 Tf 20 ${high - 30 - n * 14} Td (${word}) Tj ET`);
      const content = `q ${wide} 0 0 ${high} 0 0 cm ${image} Q 3 Tr ${lines.join(" ")}`;
      return [
        `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${wide} ${high}] /Resources << /Font << /F1 3 0 R >> >> ` +
          `/Contents ${FIRST_PAGE + 1 + index * 2} 0 R >>`,
        `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
      ];
    }),
  ];
  let file = "%PDF-1.7\n";
  const places = objects.map((object, index) => {
    const at = file.length;
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return at;
  });
  const size = objects.length + 1;
  const table = places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("");
  const trailer = `trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`;
  return Buffer.from(`${file}xref\n0 ${size}\n0000000000 65535 f \n${table}${trailer}`, "latin1");
}
