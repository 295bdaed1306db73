/** Documents of hospitals as pages: pictures that models read, and the text that a file holds itself. */
export { deidentify } from "./deidentify.js";
export type { DeidentifyLimit, DeidentifyOptions, DeidentifyReport } from "./deidentify.js";
export { dicomAttributes } from "./dicom-attributes.js";
export type {
  DicomAttributes,
  DicomAttributesOptions,
  DicomBytes,
  DicomPersonName,
  DicomValue,
} from "./dicom-attributes.js";
export { DocumentReader, readDocument } from "./document-reader.js";
export type { DocumentReaderOptions, ReadOptions } from "./document-reader.js";
export { Document } from "./document.js";
export type { DocumentPage } from "./document.js";
export { DocumentError } from "./errors.js";
export type { DicomFacts, DocumentKind } from "./kinds/open-document.js";
export type { Box, PageText, Word } from "./page-text.js";
export type { BlobLike, DocumentSource } from "./source.js";
