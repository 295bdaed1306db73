// Holds what the reader draws of the PDFs of other projects' test suites against poppler's pdftoppm, which has to be installed:
//
//     node scripts/build-ts.mjs && node packages/documents/corpora/pdf.mjs
//
// A page is right where it has the reference's size, within 2 pixels of 100 an inch, and where it is drawn smaller for maxPixels, its
// shape; and where the two pictures, greyed and blurred to 25 an inch, differ by at most 1 of 255 in the mean, or by at most 10 and
// correlate to 0.9: fonts that are not in a file differ. A file is right where its first and its last page are. What differs and is
// known stands below with its reason; anything else fails the script.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import sharp from "sharp";

import { DocumentReader } from "../dist/index.mjs";
import { filesIn, sourceOf } from "./packages.mjs";

const packages = [
  ["ocrmypdf", "17.13.0"],
  ["pikepdf", "10.18.0"],
  ["pypdf", "7.1.1"],
  ["pypdfium2", "5.15.2"],
];
/** Of the suites' encrypted files. */
const passwords = [
  "openpassword",
  "foo",
  "usersecret",
  "user",
  "owner",
  "usr",
  "test",
  "password",
  "asdfzxcv",
  "test_user",
  "'",
];
/** Files that do not look as poppler shows them, and why. */
const known = new Map(
  Object.entries({
    "1biticc.pdf": "the image has fewer bytes than rows: what is missing is black in PDFium, and not drawn by poppler",
    "ctm_cm.pdf": "an operator without operands: poppler leaves out all that follows, PDFium the operator",
    "forms.pdf": "list boxes whose selected indices differ from their value: the value counts (ISO 32000-2, table 234)",
    "issue-301.pdf": "squared paper of hair lines: the same lines, of another grey",
  }),
);
const DPI = 100;
const MOST_PIXELS = 40_000_000;
const LEAST_RIGHT = 175;

const folder = mkdtempSync(path.join(tmpdir(), "pdf-"));
const reader = new DocumentReader({ processes: 1, dpi: DPI, maxPixels: MOST_PIXELS });
const counts = { right: 0, differ: 0, "read by poppler alone": 0, "read by us alone": 0, "read by neither": 0 };
let unexpected = 0;
try {
  const files = packages.flatMap(([name, version]) => filesIn(sourceOf(name, version), /\.pdf$/i));
  for (const file of files) {
    const { outcome, detail } = await compare(file);
    counts[outcome]++;
    if (outcome === "right") continue;
    const name = path.basename(file);
    const reason = outcome === "differ" ? known.get(name) : undefined;
    if ((outcome === "differ" && reason === undefined) || outcome === "read by poppler alone") unexpected++;
    console.log(`${outcome}: ${name}: ${detail}${reason === undefined ? "" : ` (${reason})`}`);
  }
  console.log(`${counts.right} of ${files.length} right; ${JSON.stringify(counts)}`);
  console.log(spawnSync("pdftoppm", ["-v"], { encoding: "utf8" }).stderr.split("\n")[0]);
} finally {
  await reader.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = unexpected > 0 || counts.right < LEAST_RIGHT ? 1 : 0;

async function compare(file) {
  const ours = await draw(file);
  const reference = byPoppler(file, 1);
  if (ours.fault !== undefined) {
    const outcome = reference === undefined ? "read by neither" : "read by poppler alone";
    return { outcome, detail: ours.fault };
  }
  if (reference === undefined) return { outcome: "read by us alone", detail: `${ours.pages.length} pages drawn` };
  for (const page of ours.pages) {
    const other = page.number === 1 ? reference : byPoppler(file, page.number, reference.password);
    if (other === undefined) return { outcome: "differ", detail: `page ${page.number} is not drawn by poppler` };
    const difference = await differenceOf(page, other.picture);
    if (difference !== undefined) return { outcome: "differ", detail: `page ${page.number}: ${difference}` };
  }
  return { outcome: "right", detail: "" };
}

/** The first and the last page as we draw them. */
async function draw(file) {
  for (const password of [undefined, ...passwords]) {
    try {
      const document = await reader.open(file, { password });
      const pages = [];
      for (const number of new Set([1, document.pageCount])) pages.push(await document.page(number));
      document.close();
      return { pages };
    } catch (error) {
      if (error.code !== "DOCUMENT_PASSWORD") return { fault: `${error.code}: ${error.message}` };
    }
  }
  return { fault: "DOCUMENT_PASSWORD" };
}

/** A page as poppler draws it. */
function byPoppler(file, number, known) {
  const target = path.join(folder, "page");
  for (const password of known === undefined ? ["", ...passwords] : [known]) {
    rmSync(`${target}.png`, { force: true });
    const options = ["-r", DPI, "-cropbox", "-f", number, "-l", number, "-png", "-singlefile", "-upw", password];
    const { status, stderr } = spawnSync("pdftoppm", [...options.map(String), file, target], {
      encoding: "utf8",
      timeout: 60_000,
    });
    if (status === 0 && existsSync(`${target}.png`)) return { picture: `${target}.png`, password };
    if (!/password/i.test(stderr)) return undefined;
  }
  return undefined;
}

async function differenceOf(page, reference) {
  // A poster is larger than sharp takes without being asked to.
  const other = () => sharp(reference, { limitInputPixels: false });
  const { width, height } = await other().metadata();
  const clamped = page.width * page.height > MOST_PIXELS * 0.99;
  const sameSize = clamped
    ? Math.abs(page.width / page.height / (width / height) - 1) < 0.01
    : Math.abs(page.width - width) <= 2 && Math.abs(page.height - height) <= 2;
  if (!sameSize) return `${page.width} x ${page.height}, and not ${width} x ${height}`;
  const [a, b] = await Promise.all(
    [sharp(page.image, { limitInputPixels: false }), other()].map((picture) =>
      picture
        .flatten({ background: "white" })
        .resize(Math.ceil(width / 4), Math.ceil(height / 4), { fit: "fill", kernel: "mitchell" })
        .greyscale()
        .blur(0.8)
        .raw()
        .toBuffer(),
    ),
  );
  const { mean, correlation } = compared(a, b);
  if (mean <= 1 || (mean <= 10 && correlation >= 0.9)) return undefined;
  return `mean difference ${mean.toFixed(2)}, correlation ${correlation.toFixed(3)}`;
}

/** Of the ink of two pictures; those without any correlate to 1. */
function compared(a, b) {
  const sums = { difference: 0, a: 0, b: 0, aa: 0, bb: 0, ab: 0 };
  for (let at = 0; at < a.length; at++) {
    const [x, y] = [255 - a[at], 255 - b[at]];
    sums.difference += Math.abs(x - y);
    sums.a += x;
    sums.b += y;
    sums.aa += x * x;
    sums.bb += y * y;
    sums.ab += x * y;
  }
  const count = a.length;
  const variance = (sum, squares) => squares / count - (sum / count) ** 2;
  const [va, vb] = [variance(sums.a, sums.aa), variance(sums.b, sums.bb)];
  const covariance = sums.ab / count - (sums.a / count) * (sums.b / count);
  const blank = va < 0.5 && vb < 0.5;
  return { mean: sums.difference / count, correlation: blank ? 1 : covariance / Math.sqrt(Math.max(va * vb, 1e-9)) };
}
