import { Fault } from "../../decoder/fault.js";
import type { DecodedPage, DicomFacts, OpenDocument, OpenOptions, Pixels } from "../open-document.js";
import type { DataSet } from "./data-set.js";
import { frameDecoder, type FrameDecoder } from "./decode-frame.js";
import { readDicomFile } from "./dicom-file.js";
import { readGreyValues } from "./grey-values.js";
import { drawOverlays } from "./overlays.js";
import { readPalette, renderPalette, type Palette } from "./palette.js";
import { readPicture, type Picture } from "./picture.js";
import { readPixelShape } from "./pixel-shape.js";
import { addColours, readSupplementalPalette } from "./supplemental-palette.js";
import { renderColours } from "./render-colours.js";
import { renderGrey } from "./render-grey.js";
import type { Samples } from "./samples.js";
import { stretch } from "./stretch.js";
import { tags } from "./tags.js";

/** Bytes that a deflated data set may become beside its pixels. */
const INFLATED_BESIDE = 64 * 1024 * 1024;
/** Nothing inflates to more, whatever the budgets are. */
const MOST_INFLATED = 2 ** 31 - 1;

/**
 * Opens a DICOM file. Each frame is a page, as a viewer shows it first: rescaled, through its window, its overlays drawn in white,
 * its pixels made square.
 *
 * @returns the document, or the file that is encapsulated in it, of a kind of its own
 * @throws Fault (rejects)
 */
export function openDicom(
  bytes: Uint8Array,
  options: OpenOptions,
): Promise<OpenDocument | { readonly embedded: Uint8Array }> {
  // What is thrown within rejects.
  return new Promise((resolve) => resolve(open(bytes, options)));
}

function open(bytes: Uint8Array, options: OpenOptions) {
  const { maxPixels, maxPages } = options;
  // Of RGB with 16 bits; what has more bits is no picture to look at.
  const maxInflated = Math.min(MOST_INFLATED, maxPixels * 6 * maxPages + INFLATED_BESIDE);
  // What is behind the pixels is not needed, and may be broken.
  const { dataSet, transferSyntax } = readDicomFile(bytes, maxInflated, tags.pixelData);
  const embedded = encapsulated(dataSet);
  if (embedded !== undefined) return { embedded };
  const picture = readPicture(dataSet, options);
  return new DicomDocument(dataSet, picture, transferSyntax, maxPixels);
}

/** The document of element (0042,0011), without its padding. */
function encapsulated(dataSet: DataSet): Uint8Array | undefined {
  const value = dataSet.value(tags.encapsulatedDocument);
  if (value === undefined) return undefined;
  const length = dataSet.number(tags.encapsulatedDocumentLength);
  return length !== undefined && length > 0 && length < value.length ? value.subarray(0, length) : value;
}

class DicomDocument implements OpenDocument {
  readonly kind = "dicom";
  readonly #picture: Picture;
  readonly #maxPixels: number;
  readonly #facts: DicomFacts;
  readonly #palette: Palette | undefined;
  readonly #supplement: Palette | undefined;
  #open: { readonly dataSet: DataSet; readonly decode: FrameDecoder } | undefined;

  constructor(dataSet: DataSet, picture: Picture, transferSyntax: string, maxPixels: number) {
    this.#picture = picture;
    this.#maxPixels = maxPixels;
    this.#facts = readFacts(dataSet, picture, transferSyntax);
    this.#palette = picture.photometric === "PALETTE COLOR" ? readPalette(dataSet, picture.signed) : undefined;
    this.#supplement = readSupplementalPalette(dataSet, picture);
    this.#open = { dataSet, decode: frameDecoder(dataSet, picture, transferSyntax) };
  }

  get pageCount(): number {
    return this.#picture.frames;
  }

  async page(number: number): Promise<DecodedPage> {
    if (this.#open === undefined) throw new Error("the document is closed");
    const { dataSet, decode } = this.#open;
    const index = number - 1;
    const { frames } = this.#picture;
    try {
      const samples = await decode(index);
      const shape = readPixelShape(dataSet, index);
      const picture = stretch(this.#render(dataSet, samples, index), shape.ratio, this.#maxPixels);
      return {
        picture,
        size: shape.points && {
          width: shape.points.width * this.#picture.columns,
          height: shape.points.height * this.#picture.rows,
        },
        rotation: 0,
        dicom: frames > 1 ? { ...this.#facts, frame: number } : this.#facts,
      };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      throw new Fault(error.code, `frame ${number} of the DICOM file cannot be read: ${error.message}`);
    }
  }

  close(): void {
    this.#open = undefined;
  }

  #render(dataSet: DataSet, samples: Samples, index: number): Pixels {
    const { rows, columns } = this.#picture;
    const isColour = this.#picture.samples === 3 || this.#palette !== undefined || this.#supplement !== undefined;
    const data = this.#shade(dataSet, samples, index);
    drawOverlays(data, dataSet, this.#picture, samples, index);
    return { width: columns, height: rows, channels: isColour ? 3 : 1, data };
  }

  #shade(dataSet: DataSet, samples: Samples, index: number): Uint8Array {
    if (this.#palette !== undefined) return renderPalette(samples.data, this.#palette);
    if (this.#picture.samples === 3) return renderColours(samples, this.#picture);
    const grey = renderGrey(samples.data, readGreyValues(dataSet, this.#picture, index), this.#picture);
    return this.#supplement === undefined ? grey : addColours(grey, samples.data, this.#supplement);
  }
}

/** Codes of the standard alone: whatever else stands in these attributes may be of a person. */
function readFacts(dataSet: DataSet, { photometric }: Picture, transferSyntax: string): DicomFacts {
  const modality = dataSet.string(tags.modality);
  const burnedIn = dataSet.string(tags.burnedInAnnotation);
  return {
    modality: modality !== undefined && /^[A-Z]{2,8}$/.test(modality) ? modality : undefined,
    transferSyntax,
    photometric,
    burnedIn: burnedIn === "YES" ? true : burnedIn === "NO" ? false : undefined,
  };
}
