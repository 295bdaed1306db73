/** The values of an answer as a mapping asks for them, and what it asked for. */
import type { Extension } from "fhir/r4";

import { evidenceEntries, isFieldEvidence, type FieldEvidence } from "../evidence.js";

/** "AI Confidence" of HL7's guide "AI Transparency on FHIR" (1.0.0, current build): a probability on any element. */
export const CONFIDENCE_URL = "http://hl7.org/fhir/uv/aitransparency/StructureDefinition/AIconfidence";

/** A value that is text on the page. */
export interface Field {
  /** The value as text. */
  readonly text: string;
  readonly confidence: number;
  /** From the root, e.g. `medications.0.name`. */
  readonly path: string;
}

/** The confidence of an element, which is that of the least sure value in it. */
export function confidenceOf(...fields: readonly (Field | undefined)[]): Extension[] {
  const least = Math.min(...fields.flatMap((field) => (field === undefined ? [] : [field.confidence])));
  return [{ url: CONFIDENCE_URL, valueDecimal: Number(least.toFixed(4)) }];
}

/** An item of an array, or the answer itself. */
export interface Item {
  readonly tree: unknown;
  /** With a point behind it, so that a path can follow; empty for the root. */
  readonly prefix: string;
}

export class Fields {
  readonly #root: unknown;
  readonly #asked = new Set<string>();

  constructor(root: unknown) {
    this.#root = root;
  }

  /** The items of the array at a path, or the answer itself where no path is given. Of an array that is missing: none. */
  items(each: string | undefined): Item[] {
    if (each === undefined) return [{ tree: this.#root, prefix: "" }];
    const tree = descend(this.#root, each);
    return Array.isArray(tree) ? tree.map((item: unknown, i) => ({ tree: item, prefix: `${each}.${i}.` })) : [];
  }

  /** The value at a path of an item; undefined where there is none, or null, or a blank text. */
  get({ tree, prefix }: Item, path: string | undefined): Field | undefined {
    if (path === undefined) return undefined;
    const found = path === "." ? tree : descend(tree, path);
    if (!isFieldEvidence(found)) return undefined;
    const full = path === "." ? prefix.slice(0, -1) : prefix + path;
    this.#asked.add(full);
    const text = textOf(found);
    return text === "" ? undefined : { text, confidence: found.confidence, path: full };
  }

  /** Paths of values that nothing asked for. */
  notAsked(): string[] {
    const all = Array.from(evidenceEntries(this.#root), ([path]) => path.join("."));
    return all.filter((path) => !this.#asked.has(path));
  }
}

function textOf({ value }: FieldEvidence): string {
  return value === null ? "" : String(value).trim();
}

function descend(tree: unknown, path: string): unknown {
  let at = tree;
  for (const step of path.split(".")) {
    if (typeof at !== "object" || at === null || isFieldEvidence(at) || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string, unknown>)[step];
  }
  return at;
}
