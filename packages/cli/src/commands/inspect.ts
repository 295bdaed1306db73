import type { Command } from "commander";
import { readGgufHeader } from "../gguf/read-header.js";
import type { GgufHeader, MetadataValue, Scalar } from "../gguf/types.js";
import { formatBytes, formatCount, printJson, printLine, printTable } from "../output.js";
import { shorten } from "../shorten.js";

/** Elements of an array that are shown. */
const MOST_ELEMENTS = 8;
/** Characters of a value that are shown. */
const MOST_VALUE = 100;

/** `medinfer inspect` */
export function addInspect(program: Command): void {
  program
    .command("inspect")
    .description("show the metadata of a GGUF file and a summary of its tensors; weights are not read")
    .argument("<file>", "a GGUF file: a model or a projector")
    .option("--json", "print all metadata, unshortened, and every tensor")
    .action((file: string, { json }: { json?: true }) => {
      const header = readGgufHeader(file);
      if (json) printJson({ ...header, metadata: Object.fromEntries(header.metadata) });
      else printSummary(header);
    });
}

function printSummary({ version, fileBytes, headerBytes, metadata, tensors }: GgufHeader): void {
  printLine(`GGUF version ${version}, ${formatBytes(fileBytes)}, of it ${formatBytes(headerBytes)} before the weights`);
  printLine("");
  printTable(Array.from(metadata, ([key, value]) => [shorten(key), typeOf(value), show(value)]));
  printLine("");
  const total = tensors.reduce((sum, { elements }) => sum + elements, 0);
  printLine(`${tensors.length} tensors, ${formatCount(total)} parameters`);
  printTable(countTypes(tensors));
}

/** A row for each type of weights, the one with most bytes first. */
function countTypes(tensors: GgufHeader["tensors"]): string[][] {
  const counts = new Map<string, { tensors: number; elements: number; bytes: number }>();
  for (const { type, elements, bytes = 0 } of tensors) {
    const sum = counts.get(type) ?? { tensors: 0, elements: 0, bytes: 0 };
    counts.set(type, { tensors: sum.tensors + 1, elements: sum.elements + elements, bytes: sum.bytes + bytes });
  }
  return Array.from(counts)
    .sort(([, a], [, b]) => b.bytes - a.bytes)
    .map(([type, sum]) => [
      type,
      `${sum.tensors} tensors`,
      `${formatCount(sum.elements)} parameters`,
      formatBytes(sum.bytes),
    ]);
}

/** E.g. `"string[512]"`. */
function typeOf(value: MetadataValue): string {
  return value.type === "array" ? `${value.of}[${value.value.length}]` : value.type;
}

/** One line of at most {@link MOST_VALUE} characters. */
function show(value: MetadataValue): string {
  if (value.type !== "array") return shorten(showScalar(value.value, value.type), MOST_VALUE);
  const shown =
    value.of === "array"
      ? value.value.slice(0, MOST_ELEMENTS).map(show)
      : value.value.slice(0, MOST_ELEMENTS).map((each) => showScalar(each, value.of));
  const rest = value.value.length > MOST_ELEMENTS ? ", …" : "";
  return shorten(`${shown.join(", ")}${rest}`, MOST_VALUE);
}

function showScalar(value: Scalar, type: string): string {
  // A quoted text shows its line breaks, and where it ends.
  if (typeof value === "string") return JSON.stringify(value.slice(0, MOST_VALUE + 1));
  // The shortest form that is the same number: 0.00001, and not the digits of the double next to it.
  if (typeof value === "number" && type === "float32") {
    const digits = [6, 7, 8].find((count) => Math.fround(Number(value.toPrecision(count))) === value);
    return String(digits === undefined ? value : Number(value.toPrecision(digits)));
  }
  return String(value);
}
