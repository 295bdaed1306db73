/** The reader of headers on damaged files, in numbers for which a process each would take too long. */
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";

import { MedInferError } from "medinfer";
import { expect, it } from "vitest";

import { SeededRandom } from "../../../test/support/seeded-random.mjs";
import { readGgufHeader } from "../src/gguf/read-header.js";
import { embeddedModel, temporaryFolder } from "./support.js";

const folder = temporaryFolder();
const model = readFileSync(embeddedModel);
const { headerBytes, tensors } = readGgufHeader(embeddedModel);

/** Of a file that begins so. Up to `size` it is a hole, which takes no time to write. */
function outcomeOf(beginning: Uint8Array, size = beginning.length): "read" | "refused" {
  const file = path.join(folder, "damaged.gguf");
  writeFileSync(file, beginning);
  truncateSync(file, size);
  try {
    readGgufHeader(file);
    return "read";
  } catch (error) {
    expect(error).toBeInstanceOf(MedInferError);
    expect((error as MedInferError).code).toBe("BAD_GGUF");
    expect((error as MedInferError).message.length).toBeLessThan(500);
    return "refused";
  }
}

it("refuses a file wherever it is cut", () => {
  const cuts = [
    ...Array(700).keys(),
    ...Array.from({ length: 700 }, (_, i) => 700 + i * 71),
    headerBytes,
    model.length - 1,
  ];
  for (const cut of cuts) expect(outcomeOf(model.subarray(0, cut)), `cut at ${cut}`).toBe("refused");
});

it("reads or refuses whatever stands in a header", () => {
  const random = new SeededRandom(7);
  const counts = { read: 0, refused: 0 };
  for (let i = 0; i < 2_000; i++) {
    const bytes = Buffer.from(model.subarray(0, headerBytes));
    // Most bytes are those of the vocabulary: half of the changes go where counts, types and shapes are.
    const places: [number, number][] = [
      [8, 1_200],
      [headerBytes - 2_500, headerBytes - 1],
      [8, headerBytes - 1],
    ];
    for (let changes = random.int(1, 4); changes > 0; changes--) {
      const [from, to] = places[random.int(0, places.length - 1)]!;
      bytes[random.int(from, to)] = random.int(0, 255);
    }
    counts[outcomeOf(bytes, model.length)] += 1;
  }
  expect(counts.read).toBeGreaterThan(100);
  expect(counts.refused).toBeGreaterThan(100);
});

it("takes no memory for lengths that the file cannot hold, nor for more than a header has", () => {
  const u32 = (n: number) => Buffer.from(Uint32Array.of(n).buffer);
  const u64 = (n: bigint) => Buffer.from(BigUint64Array.of(n).buffer);
  const text = (value: string) => Buffer.concat([u64(BigInt(value.length)), Buffer.from(value)]);
  const start = (values: bigint) => [Buffer.from("GGUF\x03\0\0\0"), u64(0n), u64(values)];
  const array = (type: number, length: bigint) => [text("a"), u32(9), u32(type), u64(length)];
  const size = 80 * 2 ** 20;
  const before = process.memoryUsage().rss;
  for (const length of [2n ** 64n - 1n, 2n ** 53n, 2n ** 40n, 70n * 2n ** 20n]) {
    for (const type of [0, 7, 8, 9, 12]) {
      expect(outcomeOf(Buffer.concat([...start(1n), ...array(type, length)]), size)).toBe("refused");
    }
    expect(outcomeOf(Buffer.concat([...start(1n), text("a"), u32(8), u64(length)]), size)).toBe("refused");
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  // Arrays in arrays in arrays …
  const nested = Array.from({ length: 1_000 }, () => [u32(9), u64(1n)]).flat();
  expect(outcomeOf(Buffer.concat([...start(1n), text("a"), u32(9), ...nested]), size)).toBe("refused");
});

it("keeps integers that a double cannot hold, and names that an object would not", () => {
  const u32 = (n: number) => Buffer.from(Uint32Array.of(n).buffer);
  const u64 = (n: bigint) => Buffer.from(BigUint64Array.of(n).buffer);
  const text = (value: string) => Buffer.concat([u64(BigInt(value.length)), Buffer.from(value)]);
  const file = path.join(folder, "numbers.gguf");
  const entries = [text("big"), u32(10), u64(2n ** 64n - 1n), text("__proto__"), u32(8), text("x")];
  writeFileSync(file, Buffer.concat([Buffer.from("GGUF\x02\0\0\0"), u64(0n), u64(2n), ...entries]));
  const { metadata, version } = readGgufHeader(file);
  expect(version).toBe(2);
  expect([...metadata]).toEqual([
    ["big", { type: "uint64", value: 2n ** 64n - 1n }],
    ["__proto__", { type: "string", value: "x" }],
  ]);
});

it("finds all weights inside of the file", () => {
  for (const { offset, bytes } of tensors) expect(offset + bytes!).toBeLessThanOrEqual(model.length);
});
