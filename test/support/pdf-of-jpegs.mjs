/** A PDF of scanned pages, as scanners write it: a JPEG on each page, and no text. */
import { Buffer } from "node:buffer";

/**
 * @param {{ jpeg: Uint8Array, width: number, height: number }[]} pages RGB, sizes in pixels; a pixel becomes a point
 * @returns {Buffer}
 */
export function pdfOfJpegs(pages) {
  const pieces = [Buffer.from("%PDF-1.4\n")];
  const places = [];
  let length = pieces[0].length;
  const add = (...parts) => {
    const bytes = Buffer.concat(parts.map((part) => Buffer.from(part)));
    pieces.push(bytes);
    length += bytes.length;
  };
  const object = (...parts) => {
    places.push(length);
    add(`${places.length} 0 obj\n`, ...parts, "\nendobj\n");
  };
  object("<< /Type /Catalog /Pages 2 0 R >>");
  const kids = pages.map((_, i) => `${3 + 3 * i} 0 R`).join(" ");
  object(`<< /Type /Pages /Count ${pages.length} /Kids [${kids}] >>`);
  for (const [i, { jpeg, width, height }] of pages.entries()) {
    const content = `q ${width} 0 0 ${height} 0 0 cm /Im Do Q`;
    const image = `/Type /XObject /Subtype /Image /Width ${width} /Height ${height} /ColorSpace /DeviceRGB`;
    object(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${width} ${height}] /Contents ${4 + 3 * i} 0 R`,
      ` /Resources << /XObject << /Im ${5 + 3 * i} 0 R >> >> >>`,
    );
    object(`<< /Length ${content.length} >>\nstream\n${content}\nendstream`);
    object(
      `<< ${image} /BitsPerComponent 8 /Filter /DCTDecode /Length ${jpeg.byteLength} >>\nstream\n`,
      jpeg,
      "\nendstream",
    );
  }
  const start = length;
  add(`xref\n0 ${places.length + 1}\n0000000000 65535 f \n`);
  for (const place of places) add(`${String(place).padStart(10, "0")} 00000 n \n`);
  add(`trailer\n<< /Size ${places.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`);
  return Buffer.concat(pieces);
}
