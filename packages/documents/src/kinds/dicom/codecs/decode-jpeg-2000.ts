import { damaged, unsupported } from "../../../decoder/fault.js";
import type { Picture } from "../picture.js";
import { samplesOf, type Numbers, type Samples } from "../samples.js";
import { photometricColours } from "./decode-jpeg.js";
import { checkSize } from "./expected-size.js";
import { readCodestream } from "./jpeg-2000-header.js";
import { WasmCodec } from "./wasm-codec.js";

const openjpeg = new WasmCodec(() => import("@cornerstonejs/codec-openjpeg/decodewasmjs"), "J2KDecoder");
const openjph = new WasmCodec(() => import("@cornerstonejs/codec-openjph/wasmjs"), "HTJ2KDecoder");

/** Decodes a frame of JPEG 2000, part 1 or, where its blocks are coded so, part 15 (HTJ2K). */
export async function decodeJpeg2000(bytes: Uint8Array, picture: Picture): Promise<Samples> {
  const stream = readCodestream(bytes);
  checkSize(stream, picture, "JPEG 2000");
  if (stream.subsampled) throw unsupported("its JPEG 2000 data has colours of a lower resolution, which is not read");
  if (stream.precision > 16) throw unsupported("its JPEG 2000 data has more than 16 bits a sample, which is not read");
  const { info, data } = await (stream.highThroughput ? openjph : openjpeg).decode(bytes, "JPEG 2000");
  checkSize({ width: info.width, height: info.height, components: info.componentCount }, picture, "JPEG 2000");
  const count = picture.rows * picture.columns * picture.samples;
  if (data.length !== count * (stream.precision > 8 ? 2 : 1)) throw damaged("its JPEG 2000 data is damaged");
  return { data: withSign(data, count, stream, picture), colours: coloursOf(stream.transformed, picture) };
}

/** The stream's own sign counts; where it has none and the file has, its bits are those of signed numbers. */
function withSign(
  data: Uint8Array,
  count: number,
  { precision, signed }: { readonly precision: number; readonly signed: boolean },
  picture: Picture,
): Numbers {
  if (signed) return precision > 8 ? new Int16Array(data.buffer, 0, count) : new Int8Array(data.buffer, 0, count);
  const cells = precision > 8 ? new Uint16Array(data.buffer, 0, count) : data;
  if (!picture.signed) return cells;
  return samplesOf({ data: cells, precision }, { ...picture, bitsStored: precision });
}

/** The codec undoes the transform of the stream, after which colours are red, green and blue. */
function coloursOf(transformed: boolean, picture: Picture): Samples["colours"] {
  return transformed ? "rgb" : photometricColours(picture);
}
