// Holds what the reader shows of the TIFF, BMP, WebP and AVIF files of Pillow's test suite and of the HEIF files of pillow-heif's
// against the two, with the libraries that they bring along (libtiff, libwebp, libavif, libheif):
//
//     node scripts/build-ts.mjs && node packages/documents/corpora/pictures.mjs
//
// A page is right where it has the reference's size and each of its samples differs by at most 1 of 255, of what a lossy codec or a
// change of the colour space made by at most 2 in the mean. What becomes 8 bits how, pictures_reference.py says. Pages whose pixels
// are not square are stretched here, and the reference is stretched for them: 4 in the mean. What differs and is known stands below
// with its reason; anything else fails the script.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import sharp from "sharp";

import { DocumentReader } from "../dist/index.mjs";
import { filesIn, pythonWith, sourceOf } from "./packages.mjs";

const pillow = sourceOf("pillow", "13.0.0");
const kinds = {
  TIFF: filesIn(pillow, /\.tiff?$/i),
  BMP: filesIn(pillow, /\.bmp$/i),
  WebP: filesIn(pillow, /\.webp$/i),
  AVIF: filesIn(pillow, /\.avif$/i),
  HEIF: filesIn(sourceOf("pillow-heif", "1.8.1"), /\.(heic|heif|hif)$/i),
};
const known = new Map(
  Object.entries({
    "tiff_strip_cmyk_16l_jpeg.tif": "CMYK without a profile: libvips has one of a press, Pillow subtracts",
    "tiff_strip_cmyk_jpeg.tif": "CMYK without a profile: libvips has one of a press, Pillow subtracts",
    "tiff_tiled_cmyk_jpeg.tif": "CMYK without a profile: libvips has one of a press, Pillow subtracts",
    "no_rows_per_strip.tif":
      "no photometric interpretation: 0 is black, as libtiff's tools have it; of Pillow it is white",
    "hopper_lzma.tif": "libvips is built without LZMA",
    "separate_planar_extra_samples.tiff": "the second plane is missing; Pillow reads the first alone",
    "badrle.bmp": "runs that leave the picture: each shows something else of it",
    "pal8badindex.bmp": "pixels beyond the palette",
    "rletopdown.bmp": "run lengths from the top, which are not defined",
    "mmap_error.bmp": "cut short",
    "xmp_tags_orientation.avif":
      "an orientation in XMP, by which Pillow turns it: in HEIF and AVIF the container tells it",
    "200MP.heic": "more pixels than this script allows",
  }),
);

const folder = mkdtempSync(path.join(tmpdir(), "pictures-"));
const reader = new DocumentReader({ processes: 1, maxPixels: 100_000_000 });
let unexpected = 0;
try {
  const files = Object.entries(kinds).flatMap(([kind, found]) => found.map((file) => ({ kind, file })));
  const references = referencesOf(files.map(({ file }) => file));
  const counts = new Map();
  for (const [number, { kind, file }] of files.entries()) {
    const { outcome, detail } = await compare(file, references[number], number);
    const count = counts.get(kind) ?? {};
    count[outcome] = (count[outcome] ?? 0) + 1;
    counts.set(kind, count);
    if (outcome === "exact" || outcome === "right" || outcome === "read by neither") continue;
    const reason = known.get(path.basename(file));
    if (reason === undefined && outcome !== "read by us alone") unexpected++;
    console.log(`${kind}: ${outcome}: ${path.basename(file)}: ${detail}${reason === undefined ? "" : ` (${reason})`}`);
  }
  for (const [kind, count] of counts) console.log(`${kind}: ${kinds[kind].length} files, ${JSON.stringify(count)}`);
} finally {
  await reader.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = unexpected > 0 ? 1 : 0;

function referencesOf(files) {
  const python = pythonWith("pictures", ["pillow==13.0.0", "pillow-heif==1.8.1", "numpy==2.4.6"]);
  const script = fileURLToPath(new URL("pictures_reference.py", import.meta.url));
  const made = spawnSync(python, [script, folder], {
    input: files.join("\n"),
    encoding: "utf8",
    maxBuffer: 1e8,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const [versions, ...rows] = made.stdout.trim().split("\n").map(JSON.parse);
  if (rows.length !== files.length) throw new Error(`the reference could not be made: ${made.status}`);
  console.log(`reference: ${JSON.stringify(versions)}`);
  return rows;
}

async function compare(file, reference, number) {
  let document;
  try {
    document = await reader.open(file);
    if (reference.error !== undefined) {
      await document.page(1);
      return { outcome: "read by us alone", detail: reference.error };
    }
    if (document.pageCount !== reference.pages.length) {
      return { outcome: "differs", detail: `${document.pageCount} pages, and not ${reference.pages.length}` };
    }
    let exact = true;
    for (const [index, expected] of reference.pages.entries()) {
      const samples = readFileSync(path.join(folder, `${number}.${index + 1}.bin`));
      const found = await differenceOf(await document.page(index + 1), expected, samples);
      if (found.wrong !== undefined) {
        return { outcome: "differs", detail: `page ${index + 1} (${expected.about}): ${found.wrong}` };
      }
      exact &&= found.exact;
    }
    return { outcome: exact ? "exact" : "right", detail: "" };
  } catch (error) {
    if (error.code === undefined) throw error;
    if (reference.error !== undefined) return { outcome: "read by neither", detail: "" };
    const about = reference.pages[0].about;
    return { outcome: "not read", detail: `${error.code}, of ${about}` };
  } finally {
    document?.close();
  }
}

/** Lossy, or of colours that are converted: by codec and mode of the reference. */
function isRounded(kind, about) {
  return ["webp", "avif", "heic"].includes(kind) || /jpeg|webp|CMYK|LAB|YCbCr|ICC/i.test(about);
}

async function differenceOf(page, { width, height, channels, about }, samples) {
  const turnedSize = `${page.width} x ${page.height}, and not ${width} x ${height}`;
  const longer = page.width >= width && page.height >= height && (page.width === width || page.height === height);
  const stretched = longer && page.size !== undefined && (page.width !== width || page.height !== height);
  if (!stretched && (page.width !== width || page.height !== height)) return { wrong: turnedSize };
  const ours = await samplesOf(sharp(page.image, { limitInputPixels: false, page: 0 }));
  let other = sharp(samples, { raw: { width, height, channels }, limitInputPixels: false });
  if (stretched) other = other.resize(page.width, page.height, { fit: "fill" });
  const theirs = await samplesOf(other);
  let [worst, sum] = [0, 0];
  for (let at = 0; at < ours.length; at++) {
    const difference = Math.abs(ours[at] - theirs[at]);
    worst = Math.max(worst, difference);
    sum += difference;
  }
  const mean = sum / ours.length;
  if (worst === 0) return { exact: !stretched };
  const rounded = isRounded(page.kind, about);
  if (worst <= 1 || (rounded && mean <= 2) || (stretched && mean <= 4)) return { exact: false };
  return { wrong: `mean difference ${mean.toFixed(2)}, at most ${worst}` };
}

/** As RGB of 8 bits. */
function samplesOf(picture) {
  return picture.flatten({ background: "white" }).toColourspace("srgb").raw().toBuffer();
}
