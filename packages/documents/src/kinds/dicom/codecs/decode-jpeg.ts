import { damaged, unsupported } from "../../../decoder/fault.js";
import type { Picture } from "../picture.js";
import { samplesOf, type Samples } from "../samples.js";
import { checkSize } from "./expected-size.js";
import { JpegSegments, type ColourMarkers, type FrameHeader } from "./jpeg/segments.js";
import { decodeLossless } from "./jpeg/lossless-scans.js";
import { decodeSequential } from "./jpeg/sequential-scans.js";
import { WasmCodec } from "./wasm-codec.js";

const turbo = new WasmCodec(() => import("@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs"), "JPEGDecoder");

const START_OF_SCAN = 0xda;
const JFIF = 0xe0;
const ADOBE = 0xee;

/** Decodes a frame of JPEG, lossy or lossless, by what the stream is rather than by what the transfer syntax says of it. */
export async function decodeJpeg(bytes: Uint8Array, picture: Picture): Promise<Samples> {
  const segments = new JpegSegments(bytes);
  const frame = segments.frame();
  const { width, height, precision, components, process } = frame;
  checkSize({ width, height, components: components.length }, picture, "JPEG");
  if (precision < 2 || precision > 16) throw damaged("its JPEG stream has a damaged frame header");
  if (precision > Math.max(8, picture.bitsAllocated)) {
    throw damaged("its JPEG data has more bits than the file's Bits Allocated");
  }
  if (process === 0xc3) {
    const cells = { data: narrowed(decodeLossless(segments), precision), precision };
    return { data: samplesOf(cells, picture), colours: photometricColours(picture), cells };
  }
  if (process === 0xc7 || process > 0xc8) throw unsupported("its JPEG process is one that is not read");
  const isYbr = components.length === 3 && hasYbr(segments.colour, frame, picture);
  if (precision > 8) {
    const cells = { data: decodeSequential(segments), precision };
    return { data: samplesOf(cells, picture), colours: isYbr ? "ybr" : "rgb" };
  }
  return { data: await decodeEightBits(bytes, picture, isYbr), colours: "rgb" };
}

async function decodeEightBits(bytes: Uint8Array, picture: Picture, isYbr: boolean) {
  const stream = picture.samples === 3 ? withColours(bytes, isYbr) : bytes;
  const { info, data } = await turbo.decode(stream, "JPEG");
  checkSize({ width: info.width, height: info.height, components: info.componentCount }, picture, "JPEG");
  if (data.length !== picture.rows * picture.columns * picture.samples) throw damaged("its JPEG data is damaged");
  return samplesOf({ data, precision: 8 }, picture);
}

/**
 * Whether a stream's three colours are Y, Cb and Cr. Adobe's marker says it; components numbered with the letters R, G and B are
 * those; JFIF's marker stands before Y, Cb and Cr alone, whatever the file says of the picture. Else the file is believed.
 */
function hasYbr({ adobe, jfif }: ColourMarkers, { components }: FrameHeader, { photometric }: Picture): boolean {
  if (adobe === 0 || adobe === 1) return adobe === 1;
  if (String.fromCharCode(...components.map(({ id }) => id)) === "RGB") return false;
  return photometric !== "RGB" || jfif;
}

/**
 * The same stream with Adobe's marker and no other that speaks of colours: without one libjpeg takes all colours for Y, Cb and Cr.
 * Its layout is Adobe's Technical Note 5116, section 18.
 */
function withColours(bytes: Uint8Array, isYbr: boolean): Uint8Array {
  const parts: Uint8Array[] = [
    Uint8Array.of(0xff, 0xd8, 0xff, 0xee, 0, 14, 65, 100, 111, 98, 101, 0, 100, 0, 0, 0, 0, isYbr ? 1 : 0),
  ];
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== START_OF_SCAN) {
    const end = bytes[at + 1] === 0xff ? at + 1 : at + 2 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
    if (bytes[at + 1] !== JFIF && bytes[at + 1] !== ADOBE) parts.push(bytes.subarray(at, end));
    at = end;
  }
  parts.push(bytes.subarray(at));
  return Buffer.concat(parts);
}

const narrowed = (data: Uint16Array, precision: number) => (precision <= 8 ? Uint8Array.from(data) : data);

/** Of a stream that has no transform of colours of its own. */
export function photometricColours({ photometric }: Picture): Samples["colours"] {
  if (photometric === "YBR_FULL" || photometric === "YBR_FULL_422") return "ybr";
  return photometric.startsWith("YBR_PARTIAL") ? "ybr-partial" : "rgb";
}
