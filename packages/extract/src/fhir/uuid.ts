/** UUIDs that follow from a name (RFC 9562, version 5). The browser's own SHA-1 is asynchronous, and missing without TLS. */

/** Drawn at random once: names of other software do not collide with ours. */
const NAMESPACE = "5c0e6d8e-7d0f-4c39-9a3c-6a0f7f6f6c2b";

/** The same name has the same UUID, everywhere and always. */
export function uuidOf(name: string): string {
  const space = Uint8Array.from(NAMESPACE.replaceAll("-", "").match(/../gu)!, (byte) => parseInt(byte, 16));
  const text = new TextEncoder().encode(name);
  const message = new Uint8Array(space.length + text.length);
  message.set(space);
  message.set(text, space.length);
  const bytes = sha1(message).slice(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x50;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, "$1-$2-$3-$4-$5");
}

/** FIPS 180-4, 6.1. Here it names things; nothing is kept secret by it. */
export function sha1(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array((((message.length + 8) >> 6) + 1) << 6);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(message.length / 2 ** 29));
  view.setUint32(padded.length - 4, (message.length << 3) >>> 0);
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  for (let block = 0; block < padded.length; block += 64) mix(state, view, block);
  const digest = new DataView(new ArrayBuffer(20));
  state.forEach((word, i) => digest.setUint32(4 * i, word >>> 0));
  return new Uint8Array(digest.buffer);
}

function mix(state: number[], view: DataView, block: number): void {
  const words = Array.from({ length: 80 }, (_, i) => (i < 16 ? view.getUint32(block + 4 * i) : 0));
  for (let i = 16; i < 80; i++) words[i] = rotate(words[i - 3]! ^ words[i - 8]! ^ words[i - 14]! ^ words[i - 16]!, 1);
  let [a, b, c, d, e] = state as [number, number, number, number, number];
  for (const [i, word] of words.entries()) {
    const [f, k] = round(i, b, c, d);
    [a, b, c, d, e] = [(rotate(a, 5) + f + e + k + word) | 0, a, rotate(b, 30), c, d];
  }
  [a, b, c, d, e].forEach((word, i) => (state[i] = (state[i]! + word) | 0));
}

function round(i: number, b: number, c: number, d: number): [number, number] {
  if (i < 20) return [(b & c) | (~b & d), 0x5a827999];
  if (i < 40) return [b ^ c ^ d, 0x6ed9eba1];
  if (i < 60) return [(b & c) | (b & d) | (c & d), 0x8f1bbcdc];
  return [b ^ c ^ d, 0xca62c1d6];
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
