/** The addon's way to image files, without the addon. */
import { readFile, stat } from "node:fs/promises";
import { MedInferError } from "../../../lib/errors.js";
import type { NativeImage } from "../../../lib/native/types.js";

export class FakeImage implements NativeImage {
  released = false;

  constructor(readonly content: Uint8Array) {}

  bytes(): Uint8Array {
    if (this.released) throw new MedInferError("INVALID_ARGUMENT", "it was released");
    return Uint8Array.from(this.content);
  }

  release(): void {
    this.released = true;
  }
}

export async function readImage(path: string, maxBytes: number): Promise<FakeImage> {
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isFile() !== true) throw new MedInferError("IMAGE_NOT_FOUND", "there is no such file");
  if (facts.size > maxBytes) throw new MedInferError("IMAGE_TOO_LARGE", `it has ${facts.size} bytes`);
  return new FakeImage(await readFile(path));
}
