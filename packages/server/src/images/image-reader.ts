import type { ImageSource } from "medinfer";
import { Problem } from "../http/problem.js";

/** Turns what a request says of an image into what the library takes. Never a path: those are the server's own files. */
export interface ImageReader {
  /**
   * @param url as it was sent
   * @param param where it stands in the request
   * @throws Problem (rejects) 400
   */
  read(url: string, param: string): Promise<ImageSource>;
}

/** Takes images that are in the request itself, as `data:` URLs. */
export const inlineImages: ImageReader = {
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
