import { argumentError } from "../errors.js";
import { excerpt } from "../excerpt.js";
import type { NativeRequest } from "../native/types.js";
import type { AdapterHost, LoraAdapter } from "./lora-adapter.js";
import type { ResolvedAdapterUse } from "./options.js";

/** The adapters that an engine has loaded, by name. */
export class AdapterList {
  readonly #loaded = new Map<string, LoraAdapter>();
  /** Names of adapters that are being loaded. */
  readonly #coming = new Set<string>();

  /** In the order of their loading. */
  get all(): LoraAdapter[] {
    return [...this.#loaded.values()];
  }

  /**
   * Loads one under a name that no other has.
   *
   * @throws MedInferError `INVALID_ARGUMENT`, and what `load` rejects with
   */
  async add(name: string, call: string, load: () => Promise<LoraAdapter>): Promise<LoraAdapter> {
    if (this.#loaded.has(name) || this.#coming.has(name)) {
      throw argumentError(call, "name", `must be one of its own: an adapter "${excerpt(name)}" is there`);
    }
    this.#coming.add(name);
    try {
      const adapter = await load();
      this.#loaded.set(name, adapter);
      return adapter;
    } finally {
      this.#coming.delete(name);
    }
  }

  remove(adapter: LoraAdapter): void {
    if (this.#loaded.get(adapter.name) === adapter) this.#loaded.delete(adapter.name);
  }

  /** @throws MedInferError `INVALID_ARGUMENT` where it is not there */
  find(call: string, path: string, named: LoraAdapter | string): LoraAdapter {
    const name = typeof named === "string" ? named : named.name;
    const found = this.#loaded.get(name);
    if (found !== undefined && (typeof named === "string" || named === found)) return found;
    throw argumentError(call, path, `names the adapter "${excerpt(name)}", which this engine has not loaded`);
  }

  /** The same adapters, found. @throws MedInferError `INVALID_ARGUMENT` where one is not there, or is there twice */
  findAll(call: string, uses: readonly ResolvedAdapterUse[]): { adapter: LoraAdapter; scale: number }[] {
    const found = uses.map(({ adapter, scale }, i) => ({
      adapter: this.find(call, `adapters[${i}].adapter`, adapter),
      scale,
    }));
    if (new Set(found.map(({ adapter }) => adapter)).size < found.length) {
      throw argumentError(call, "adapters", "must name each adapter once: scale it instead");
    }
    return found;
  }
}

/** As the addon takes them. @throws MedInferError `INVALID_ARGUMENT` where one is not loaded */
export function toNativeAdapters(
  core: AdapterHost & { readonly adapters: AdapterList },
  call: string,
  uses: readonly ResolvedAdapterUse[],
): NativeRequest["adapters"] {
  return core.adapters.findAll(call, uses).map(({ adapter, scale }) => ({ adapter: adapter.idIn(core)!, scale }));
}
