/**
 * The tensors of a safetensors file, all of F32 or I64; those of I64 are left out.
 * @param {Buffer} file
 * @returns {{ name: string, shape: number[], data: Buffer }[]} `shape`: the longest stride first
 */
export function readSafetensors(file) {
  const length = Number(file.readBigUInt64LE(0));
  const begin = 8 + length;
  const header = JSON.parse(file.toString("utf8", 8, begin));
  return Object.entries(header).flatMap(([name, { dtype, shape, data_offsets: offsets }]) => {
    if (name === "__metadata__" || dtype === "I64") return [];
    if (dtype !== "F32") throw new Error(`${name} is of ${dtype}, not F32`);
    return [{ name, shape, data: file.subarray(begin + offsets[0], begin + offsets[1]) }];
  });
}
