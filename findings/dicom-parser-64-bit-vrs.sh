#!/usr/bin/env bash
# dicom-parser 1.8.21 loses its place in an explicit VR data set behind an element of VR OV, SV or UV.
#
# Versions:  dicom-parser 1.8.21 from npm.
# Expected:  DICOM PS3.5 section 7.1.2: in explicit encodings the VRs OB, OD, OF, OL, OV, OW, SQ, SV, UC, UN, UR, UT and UV have two
#            reserved bytes and a length of 32 bits. A data set of Extended Offset Table (7FE0,0001), OV of 8 bytes, and a text element
#            behind a UV of 8 bytes is parsed into these elements.
# Seen:      The three VRs of 64-bit numbers are taken for ones with a length of 16 bits. The reserved bytes are taken for a length of
#            0, and what follows for the next element: parseDicom throws, or gives elements that the file does not have.
# Matters:   Every compressed multi-frame file with an extended offset table is refused, or read wrong without an error.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
npm install --silent --no-audit --no-fund --ignore-scripts dicom-parser@1.8.21 >/dev/null

cat > parse.cjs <<'JS'
const { parseDicom } = require("dicom-parser");

/** An element of the form that PS3.5 table 7.1-1 gives long VRs. */
function element(group, number, vr, value) {
  const header = Buffer.alloc(12);
  header.writeUInt16LE(group, 0);
  header.writeUInt16LE(number, 2);
  header.write(vr, 4, "latin1");
  header.writeUInt32LE(value.length, 8);
  return Buffer.concat([header, value]);
}

const meta = Buffer.from("\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00", "latin1");
const eight = Buffer.alloc(8);
eight.writeBigUInt64LE(8n);

function tags(vr) {
  const body = element(0x0072, 0x0082, vr, eight);
  const text = element(0x0072, 0x0083, "UT", Buffer.from("text"));
  const file = Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"), meta, body, text]);
  try {
    return Object.keys(parseDicom(new Uint8Array(file)).elements).filter((tag) => !tag.startsWith("x0002")).join(" ");
  } catch (error) {
    return `error: ${error.exception ?? error.message ?? error}`;
  }
}

const expected = "x00720082 x00720083";
let described = tags("OW") === expected && tags("UT") === expected;
console.log("dicom-parser 1.8.21: elements of a data set that has (0072,0082) and (0072,0083)");
for (const vr of ["OW", "UT", "OV", "SV", "UV"]) {
  const seen = tags(vr);
  console.log(`  ${vr}: ${seen}`);
  if (/V$/.test(vr) && seen === expected) described = false;
}
console.log(described ? "as described" : "CHANGED");
process.exit(described ? 0 : 1);
JS
node parse.cjs
