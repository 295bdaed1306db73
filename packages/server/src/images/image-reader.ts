import type { ImageSource } from "medinfer";
import { Problem } from "../http/problem.js";

/** Turns what a request says of an image into what the library takes. Never a path: those are the server's own files. */
export interface ImageUrls {
  /**
   * @param url as it was sent
   * @param param where it stands in the request
   * @throws Problem (rejects) 400
   */
  read(url: string, param: string): Promise<ImageSource>;
}

/** Reads what a request shows its model: images, and the pages of documents. */
export interface ImageReader extends ImageUrls {
  /**
   * The pages of a document, in their order.
   *
   * @param file its bytes as base64, or as a `data:` URL
   * @param param where it stands in the request
   * @throws Problem or MedInferError (rejects) of the status 400
   */
  pages(file: string, param: string): Promise<readonly ImageSource[]>;
}

/** Takes images that are in the request itself, as `data:` URLs. */
export const inlineImages: ImageUrls = {
  read(url, param) {
    if (/^data:image\/[\w.+-]+;base64,/i.test(url)) return Promise.resolve(url);
    const web = /^https?:/i.test(url);
    const what = web
      ? "images are not fetched from other servers: send the image as a data: URL, or have the operator allow it"
      : "must be a data: URL such as data:image/png;base64,…";
    return Promise.reject(
      new Problem(400, web ? "image_urls_off" : "invalid_image_url", `${param} ${what}`, { param }),
    );
  },
};
