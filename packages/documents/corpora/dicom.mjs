// Holds what the reader shows of the DICOM files of pydicom and pydicom-data against pydicom:
//
//     node scripts/build-ts.mjs && node packages/documents/corpora/dicom.mjs
//
// Right is a frame whose every sample is the reference's; after lossy JPEG, which decoders may round differently, one whose samples
// differ by at most 1 of 255. Where pydicom itself is wrong, the reference is DCMTK's: dcm2pnm, if it is installed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { openDicom } from "../dist/kinds/dicom/open-dicom.js";
import { packages } from "./dicom-packages.mjs";
import { pythonWith } from "./packages.mjs";

const options = { maxPixels: 100_000_000, maxPages: 1000, dpi: 200 };
const LOSSY = new Set(["50", "51", "81", "91"].map((end) => `1.2.840.10008.1.2.4.${end}`));
/** pydicom 3.0.2 reads palettes of big endian files as little endian (findings/pydicom-big-endian-palette.sh). */
const wrongReference = (row) => row.syntax === "1.2.840.10008.1.2.2" && /OBXXXX1A_expb/.test(row.name);

const folder = mkdtempSync(path.join(tmpdir(), "dicom-"));
const failed = [];
try {
  const script = fileURLToPath(new URL("dicom_reference.py", import.meta.url));
  const made = spawnSync(pythonWith("dicom", packages), [script, folder], {
    encoding: "utf8",
    maxBuffer: 1e8,
    stdio: ["ignore", "pipe", "ignore"],
  });
  if (made.status !== 0) throw new Error(`the reference could not be made: ${made.status}`);
  const rows = made.stdout.trim().split("\n").map(JSON.parse);
  const bySyntax = new Map();
  const unread = [];
  for (const row of rows) {
    if (!row.pixels) continue;
    const outcome = await compare(row);
    if (row.shapes === undefined) {
      unread.push(`${row.name}: ${outcome}`);
      continue;
    }
    const counts = bySyntax.get(row.syntax) ?? { right: 0, of: 0, exact: 0 };
    counts.of++;
    if (outcome === "exact" || outcome === "rounded") counts.right++;
    else failed.push(`${row.name}: ${outcome}`);
    if (outcome === "exact") counts.exact++;
    bySyntax.set(row.syntax, counts);
  }
  const total = [...bySyntax.values()].reduce(
    (sum, { right, of, exact }) => ({ right: sum.right + right, of: sum.of + of, exact: sum.exact + exact }),
    { right: 0, of: 0, exact: 0 },
  );
  for (const [syntax, { right, of, exact }] of [...bySyntax].sort())
    console.log(`${syntax.padEnd(24)} ${right} of ${of}, ${exact} exact`);
  console.log(`all                      ${total.right} of ${total.of}, ${total.exact} exact`);
  for (const line of failed) console.log(`differs: ${line}`);
  for (const line of unread) console.log(`pydicom reads no picture of ${line}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed.length > 0 ? 1 : 0;

async function compare(row) {
  let document;
  try {
    document = await openDicom(new Uint8Array(readFileSync(row.path)), options);
    if (row.shapes === undefined) {
      const { picture } = await document.page(1);
      return `shown with ${picture.width} by ${picture.height} pixels`;
    }
    if (document.pageCount !== row.shapes.length) return `${document.pageCount} frames of ${row.shapes.length}`;
    const reference = wrongReference(row) ? undefined : readFileSync(path.join(folder, `${row.number}.bin`));
    let offset = 0;
    let worst = 0;
    for (const [index, [height, width, channels = 1]] of row.shapes.entries()) {
      const { picture } = await document.page(index + 1);
      if (picture.width !== width || picture.height !== height || picture.channels !== channels) {
        return `${picture.width} by ${picture.height} by ${picture.channels}, not ${width} by ${height} by ${channels}`;
      }
      const expected = reference?.subarray(offset, offset + picture.data.length) ?? byDcmtk(row.path, index + 1);
      if (expected === undefined) return "the second reference is not there: install dcmtk";
      offset += picture.data.length;
      picture.data.forEach((sample, at) => (worst = Math.max(worst, Math.abs(sample - expected[at]))));
    }
    if (worst === 0) return "exact";
    return worst === 1 && LOSSY.has(row.syntax) ? "rounded" : `samples differ by up to ${worst}`;
  } catch (error) {
    return error.name === "Fault" ? `${error.code}: ${error.message}` : String(error.stack);
  } finally {
    document?.close?.();
  }
}

/** A frame's RGB by DCMTK. */
function byDcmtk(file, frame) {
  const pnm = path.join(folder, "frame.ppm");
  spawnSync("dcm2pnm", ["+F", String(frame), file, pnm]);
  if (!existsSync(pnm)) return undefined;
  const bytes = readFileSync(pnm);
  rmSync(pnm);
  // P6, width, height, 255: each on its own, or width and height on one line.
  const header = /^P6\s+\d+\s+\d+\s+255\s/.exec(bytes.subarray(0, 64).toString("latin1"));
  return header === null ? undefined : bytes.subarray(header[0].length);
}
