/** Random adapters of the package's own model, in a folder of the test's. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { readGguf, writeGguf, type Gguf } from "../../fuzz/metadata/gguf.mjs";
import { randomAdapter } from "../../support/adapters.mjs";
import { fromRoot } from "../../support/paths.mjs";

/** What adapters of the package's model add to. */
const isAdaptable = (weight: string) => /^blk\.\d+\.(attn_(q|k|v|output)|ffn_(gate|up|down))\.weight$/.test(weight);

export class AdapterFolder {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "medinfer-adapters-"));
  readonly model: Gguf;

  /** @param model the file that adapters are made for. Default: the package's own. */
  constructor(model: string = embeddedModel()) {
    this.model = readGguf(readFileSync(model));
  }

  /** Another seed is another adapter. */
  make(seed: number, options: Parameters<typeof randomAdapter>[1] = {}): string {
    return this.write(
      `adapter-${seed}`,
      randomAdapter(this.model, { seed, strength: 0.7, only: isAdaptable, ...options }),
    );
  }

  write(name: string, content: Gguf | Buffer): string {
    const file = this.path(`${name}.gguf`);
    writeFileSync(file, Buffer.isBuffer(content) ? content : writeGguf(content));
    return file;
  }

  path(name: string): string {
    return path.join(this.#folder, name);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The package's own model. */
export function embeddedModel(): string {
  return fromRoot("models", "medinfer-tiny.gguf");
}
