import type { ImageSource } from "medinfer";
import type { DocumentPages } from "../documents/document-pages.js";
import type { ImageReader, ImageUrls } from "./image-reader.js";

/** Images by their URLs, and documents by their pages. */
export class RequestImages implements ImageReader {
  readonly #urls: ImageUrls;
  readonly #documents: DocumentPages;

  constructor(urls: ImageUrls, documents: DocumentPages) {
    this.#urls = urls;
    this.#documents = documents;
  }

  read(url: string, param: string): Promise<ImageSource> {
    return this.#urls.read(url, param);
  }

  pages(file: string, param: string): Promise<readonly ImageSource[]> {
    return this.#documents.read(file, param);
  }
}
