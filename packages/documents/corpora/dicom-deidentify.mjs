// Deidentifies the DICOM files of pydicom and pydicom-data, and has pydicom and DCMTK's dcmdump, if it is installed, look at them:
//
//     node scripts/build-ts.mjs && node packages/documents/corpora/dicom-deidentify.mjs
//
// dicom_deidentify.py says what is looked at.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { deidentify } from "../dist/deidentify.js";
import { packages } from "./dicom-packages.mjs";
import { pythonWith } from "./packages.mjs";

const python = pythonWith("dicom", packages);
const script = fileURLToPath(new URL("dicom_deidentify.py", import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "deidentify-"));
try {
  const listed = spawnSync(python, [script, "list"], { encoding: "utf8", maxBuffer: 1e8 });
  const rows = [];
  for (const [number, file] of listed.stdout.trim().split("\n").entries()) {
    try {
      const { bytes, report } = deidentify(new Uint8Array(readFileSync(file)), { secret: "of this run" });
      const to = path.join(folder, `${number}.dcm`);
      writeFileSync(to, bytes);
      rows.push({ from: file, to, limits: report.limits.map(({ kind }) => kind) });
    } catch (error) {
      if (error.name !== "Fault") throw error;
      console.log(`refused: ${path.basename(file)}: ${error.message}`);
    }
  }
  const limits = {};
  for (const kind of rows.flatMap((row) => row.limits)) limits[kind] = (limits[kind] ?? 0) + 1;
  console.log(`limits told: ${JSON.stringify(limits)}`);
  writeFileSync(path.join(folder, "rows.json"), JSON.stringify(rows));
  process.exitCode = spawnSync(python, [script, folder], { stdio: ["ignore", "inherit", "ignore"] }).status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
