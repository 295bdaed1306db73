// Reads 1,000 documents by one reader, and prints the memory of its program and of its decoders after each 100; of Linux alone:
//
//     node scripts/build-ts.mjs && node --expose-gc packages/documents/corpora/memory.mjs [DOCUMENTS]
//
// The same 20 documents, again and again: five each of PDF, TIFF, HEIC and DICOM from the corpora, up to three pages of each.
// Fails where the program has 64 MiB more at the end than after 100, or a decoder more than 1.5 GiB: it is replaced after 200
// documents, or with 1 GiB.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { DocumentReader } from "../dist/index.mjs";
import { filesIn, sourceOf } from "./packages.mjs";

const MIB = 1024 * 1024;
const PROCESSES = 2;
const documents = Number(process.argv[2] ?? 1000);
const pillow = sourceOf("pillow", "13.0.0");
const named = (folder, names) =>
  names.map((name) => filesIn(folder, new RegExp(`^${name.replaceAll(".", "\\.")}$`))[0]);
const sources = [
  ...named(sourceOf("ocrmypdf", "17.13.0"), [
    "jbig2.pdf",
    "cardinal.pdf",
    "linn.pdf",
    "francais.pdf",
    "formxobject.pdf",
  ]),
  ...named(pillow, [
    "hopper_g4.tif",
    "multipage.tiff",
    "12bit.cropped.tif",
    "hopper_jpg.tif",
    "old-style-jpeg-compression.tif",
  ]),
  ...named(sourceOf("pillow-heif", "1.8.1"), [
    "alpha.heic",
    "zPug_3.heic",
    "L_xmp.heif",
    "RGB_10__128x128.heif",
    "RGBA_8__128x128.heif",
  ]),
  ...filesIn(fileURLToPath(new URL("../test/files/dicom", import.meta.url)), /\.dcm$/).slice(0, 5),
];

const reader = new DocumentReader({ processes: PROCESSES, dpi: 100 });
const steps = [];
let [read, next, most] = [0, 0, 0];
console.log("documents  program  decoders, MiB");
await Promise.all(Array.from({ length: PROCESSES }, work));
await reader.close();
const grown = steps.at(-1) - steps[0];
console.log(
  `the program grew by ${grown.toFixed(0)} MiB after the first 100; a decoder had at most ${most.toFixed(0)} MiB`,
);
process.exitCode = grown > 64 || most > 1536 ? 1 : 0;

async function work() {
  while (next < documents) {
    const source = sources[next++ % sources.length];
    const document = await reader.open(source);
    for (let number = 1; number <= Math.min(3, document.pageCount); number++) await document.page(number);
    document.close();
    read++;
    if (read % 100 === 0) report();
  }
}

function report() {
  globalThis.gc?.();
  const program = process.memoryUsage.rss() / MIB;
  const decoders = memoryOfDecoders();
  steps.push(program);
  most = Math.max(most, ...decoders);
  console.log(
    `${String(read).padStart(9)}  ${program.toFixed(0).padStart(7)}  ${decoders.map((size) => size.toFixed(0)).join(", ")}`,
  );
}

function memoryOfDecoders() {
  const found = [];
  for (const task of readdirSync("/proc/self/task")) {
    for (const child of readFileSync(`/proc/self/task/${task}/children`, "latin1").split(" ").filter(Boolean)) {
      const status = readFileSync(path.join("/proc", child, "status"), "latin1");
      found.push((Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024) / MIB);
    }
  }
  return found;
}
