#!/usr/bin/env bash
# ImageMagick's WebAssembly build reads the palette of an OS/2 2 bitmap with three bytes a colour.
#
# Versions:  @imagemagick/magick-wasm 0.0.43 from npm (ImageMagick 7.1); Node 20.
# Expected:  A BMP with OS/2's second header (64 bytes, OS22XBITMAPHEADER) has its palette behind those, four bytes a colour. The same
#            2 x 1 picture with Windows' header (40 bytes) and with OS/2's gives the same colours: red, green.
# Seen:      With the header of 64 bytes they are red, red: three bytes are taken for a colour, as in OS/2's first header, so that all
#            colours but the first are others. No error, no warning.
# Matters:   A bitmap of an old archive comes out in wrong colours, as if it were so.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund @imagemagick/magick-wasm@0.0.43

cat > "$tmp/palette.mjs" <<'JS'
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { ImageMagick, initializeImageMagick, Magick, MagickFormat } from "@imagemagick/magick-wasm";

await initializeImageMagick(readFileSync(createRequire(import.meta.url).resolve("@imagemagick/magick-wasm/magick.wasm")));

/** Two pixels of 8 bits: indices 0 and 1 of a palette of red, green, blue and white. */
function bitmap(headerBytes) {
  const colours = [0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0];
  const bytes = Buffer.alloc(14 + headerBytes + 16 + 4);
  bytes.write("BM", "latin1");
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(14 + headerBytes + 16, 10);
  bytes.writeUInt32LE(headerBytes, 14);
  bytes.writeInt32LE(2, 18);
  bytes.writeInt32LE(1, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(8, 28);
  bytes.writeUInt32LE(4, 34);
  bytes.writeUInt32LE(4, 46);
  bytes.set(colours, 14 + headerBytes);
  bytes.set([0, 1, 0, 0], 14 + headerBytes + 16);
  return bytes;
}

function colours(bytes) {
  return ImageMagick.read(bytes, MagickFormat.Bmp, (image) =>
    image.getPixels((pixels) => [...pixels.toByteArray(0, 0, 2, 1, "RGB")].join(" ")),
  );
}

const [windows, os2] = [colours(bitmap(40)), colours(bitmap(64))];
console.log(Magick.imageMagickVersion);
console.log(`header of 40 bytes: ${windows}`);
console.log(`header of 64 bytes: ${os2}`);
const described = windows === "255 0 0 0 255 0" && os2 === "255 0 0 255 0 0";
console.log(described ? "as described" : "CHANGED");
process.exit(described ? 0 : 1);
JS
node "$tmp/palette.mjs"
