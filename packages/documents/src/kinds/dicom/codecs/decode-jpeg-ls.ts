import { damaged } from "../../../decoder/fault.js";
import { interleaved } from "../native-cells.js";
import type { Picture } from "../picture.js";
import { samplesOf, type Samples } from "../samples.js";
import { photometricColours } from "./decode-jpeg.js";
import { checkSize } from "./expected-size.js";
import { JpegSegments } from "./jpeg/segments.js";
import { WasmCodec } from "./wasm-codec.js";

const charls = new WasmCodec(() => import("@cornerstonejs/codec-charls/decodewasmjs"), "JpegLSDecoder");

/** Decodes a frame of JPEG-LS, lossless or near-lossless. */
export async function decodeJpegLs(bytes: Uint8Array, picture: Picture): Promise<Samples> {
  const { width, height, precision, components, process } = new JpegSegments(bytes).frame();
  if (process !== 0xf7) throw damaged("its data is no JPEG-LS stream");
  checkSize({ width, height, components: components.length }, picture, "JPEG-LS");
  // CharLS may take half a minute to find out that a small stream was cut short.
  if (!endsWithEnd(bytes)) throw damaged("its JPEG-LS stream is cut short");
  const { info, data: decoded, interleaveMode } = await charls.decode(bytes, "JPEG-LS");
  checkSize({ width: info.width, height: info.height, components: info.componentCount }, picture, "JPEG-LS");
  const samples = width * height * components.length;
  if (decoded.length !== samples * (precision > 8 ? 2 : 1)) throw damaged("its JPEG-LS data is damaged");
  const plain = precision > 8 ? new Uint16Array(decoded.buffer, 0, samples) : decoded;
  const data =
    interleaveMode === 0 && picture.samples > 1 ? interleaved(plain, width * height, picture.samples) : plain;
  const cells = { data, precision };
  return { data: samplesOf(cells, picture), colours: photometricColours(picture), cells };
}

/** Whether the marker of the end is there, behind which may be padding. */
function endsWithEnd(bytes: Uint8Array): boolean {
  let end = bytes.length;
  while (end > 2 && bytes[end - 1] === 0) end--;
  return bytes[end - 2] === 0xff && bytes[end - 1] === 0xd9;
}
