/** cos((2x + 1) u pi / 16), with the scale of ITU-T T.81 A.3.3, by x and u. */
const basis = Float64Array.from({ length: 64 }, (_, index) => {
  const x = index >> 3;
  const u = index & 7;
  return (Math.cos(((2 * x + 1) * u * Math.PI) / 16) * (u === 0 ? Math.SQRT1_2 : 1)) / 2;
});

const half = new Float64Array(64);

/** The samples of a block, shifted to be positive and clamped to so many bits, put at an offset of a plane. */
export function inverseDct(
  coefficients: Float64Array,
  samples: Uint16Array,
  offset: number,
  stride: number,
  precision: number,
): void {
  const middle = 2 ** (precision - 1);
  const top = 2 ** precision - 1;
  for (let v = 0; v < 8; v++) {
    for (let x = 0; x < 8; x++) {
      let sum = 0;
      for (let u = 0; u < 8; u++) sum += coefficients[v * 8 + u]! * basis[x * 8 + u]!;
      half[v * 8 + x] = sum;
    }
  }
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 8; x++) {
      let sum = middle;
      for (let v = 0; v < 8; v++) sum += half[v * 8 + x]! * basis[y * 8 + v]!;
      samples[offset + y * stride + x] = Math.min(top, Math.max(0, Math.round(sum)));
    }
  }
}
