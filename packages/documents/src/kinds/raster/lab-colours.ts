/**
 * CIE L*a*b* as ImageMagick has it of a TIFF, 8 bits a sample, to sRGB, in place. L* is from 0 to 255; a* and b* are shifted by half
 * of that and cut off, so that 127 is 0, and -1 as well. TIFF's Lab is of D50, as ICC's:
 * CIE 15:2004, 8.2.1; the matrix is Bradford's adaptation to D65 and IEC 61966-2-1 in one, of brucelindbloom.com.
 */
export function labToRgb(samples: Uint8Array): void {
  for (let at = 0; at < samples.length; at += 3) {
    const fy = ((samples[at]! / 255) * 100 + 16) / 116;
    const x = 0.96422 * fromCubeRoot(fy + shifted(samples[at + 1]!) / 500);
    const y = fromCubeRoot(fy);
    const z = 0.82521 * fromCubeRoot(fy - shifted(samples[at + 2]!) / 200);
    samples[at] = encoded(3.1338561 * x - 1.6168667 * y - 0.4906146 * z);
    samples[at + 1] = encoded(-0.9787684 * x + 1.9161415 * y + 0.033454 * z);
    samples[at + 2] = encoded(0.0719453 * x - 0.2289914 * y + 1.4052427 * z);
  }
}

const shifted = (sample: number) => (sample >= 127 ? sample - 127 : sample - 128);

const fromCubeRoot = (f: number) => (f > 6 / 29 ? f ** 3 : 3 * (6 / 29) ** 2 * (f - 4 / 29));

/** The transfer function of sRGB, cut off at its gamut. */
function encoded(linear: number): number {
  const value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
  return Math.round(Math.min(1, Math.max(0, value)) * 255);
}
