/** Jinja's filters by name, as transformers' templates find them. */
import { unsupported } from "../arguments.js";
import type { Filter } from "./common.js";
import { sequenceFilters } from "./sequences.js";
import { missingFilters, textFilters } from "./texts.js";
import { valueFilters } from "./values.js";

/** Those that Python has and this interpreter has not are there, and refuse. */
export const filters: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ...missingFilters.map((name): [string, Filter] => [name, () => unsupported(`the filter ${name}`)]),
  ...Object.entries({ ...sequenceFilters, ...textFilters, ...valueFilters }),
]);
