import { damaged, unsupported } from "../../decoder/fault.js";
import { decodeJpeg, photometricColours } from "./codecs/decode-jpeg.js";
import { decodeJpegLs } from "./codecs/decode-jpeg-ls.js";
import { decodeJpeg2000 } from "./codecs/decode-jpeg-2000.js";
import { decodeRle } from "./codecs/rle.js";
import type { DataElement, DataSet } from "./data-set.js";
import { EncapsulatedFrames } from "./frame-bytes.js";
import { floats, frameBits, nativeCells, nativeFrame } from "./native-cells.js";
import type { Picture } from "./picture.js";
import { samplesOf, type Samples } from "./samples.js";
import { transferSyntaxOf } from "./transfer-syntax.js";

/** Gives the samples of a frame, from 0. */
export type FrameDecoder = (index: number) => Samples | Promise<Samples>;

/**
 * How the frames of a file are decoded.
 *
 * @throws Fault `DOCUMENT_UNSUPPORTED` where its transfer syntax is none that is read; the decoder throws Faults or rejects with them
 */
export function frameDecoder(dataSet: DataSet, picture: Picture, transferSyntax: string): FrameDecoder {
  const syntax = transferSyntaxOf(transferSyntax);
  const element = dataSet.get(picture.dataTag)!;
  if (syntax === undefined) throw unsupported(unreadSyntax(transferSyntax));
  if (syntax.packing === "native") return nativeDecoder(dataSet, element, picture);
  if (element.fragments === undefined)
    throw damaged("the DICOM picture is compressed by its transfer syntax, and is not encapsulated");
  const frames = new EncapsulatedFrames(dataSet, element, picture.frames);
  switch (syntax.packing) {
    case "rle":
      return (index) => fromCells(decodeRle(frames.frame(index), picture), picture);
    case "jpeg":
    case "jpeg-lossless":
      return (index) => decodeJpeg(frames.frame(index), picture);
    case "jpeg-ls":
      return (index) => decodeJpegLs(frames.frame(index), picture);
    case "jpeg-2000":
    case "htj2k":
      return (index) => decodeJpeg2000(frames.frame(index), picture);
  }
}

function nativeDecoder(dataSet: DataSet, element: DataElement, picture: Picture): FrameDecoder {
  const { littleEndian } = dataSet.encoding;
  const frames = element.fragments && new EncapsulatedFrames(dataSet, element, picture.frames);
  return (index) => {
    const bytes =
      frames === undefined
        ? nativeFrame(dataSet.value(picture.dataTag) ?? new Uint8Array(), index, picture, {
            littleEndian,
            vr: element.vr,
          })
        : nativeFrame(frames.frame(index), 0, picture, { littleEndian, vr: element.vr });
    if (picture.float) {
      return {
        data: floats(bytes.subarray(0, frameBits(picture) / 8), picture.bitsAllocated, littleEndian),
        colours: "rgb",
      };
    }
    return fromCells(nativeCells(bytes, picture, littleEndian), picture);
  };
}

const fromCells = (cells: Samples["cells"] & object, picture: Picture): Samples => ({
  data: samplesOf(cells, picture),
  colours: photometricColours(picture),
  cells,
});

function unreadSyntax(uid: string): string {
  if (/^1\.2\.840\.10008\.1\.2\.4\.10\d/.test(uid)) {
    return "the DICOM file is a video (MPEG or HEVC): export its frames as pictures";
  }
  return "the DICOM file's transfer syntax is none that is read: convert it to Explicit VR Little Endian";
}
