// Pictures for tests, as PNG files in memory.
import { crc32, deflateSync } from "node:zlib";

import { SeededRandom } from "./seeded-random.mjs";

/** @param {string} type @param {Buffer} data */
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}

/**
 * @param {number} width
 * @param {number} height
 * @param {1 | 3} channels grey or RGB, 8 bits each
 * @param {(y: number, row: Buffer) => void} paintRow fills row y
 */
function encodePng(width, height, channels, paintRow) {
  const stride = width * channels;
  const raw = Buffer.alloc((stride + 1) * height);
  for (let y = 0; y < height; y++) {
    paintRow(y, raw.subarray(y * (stride + 1) + 1, (y + 1) * (stride + 1)));
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, channels === 3 ? 2 : 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(raw, { level: 1 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/**
 * Coloured blocks: different for each seed, and large enough that an untrained encoder tells them apart.
 * @param {number} seed
 * @param {{ width?: number, height?: number }} [size]
 */
export function blocksPng(seed, { width = 112, height = 112 } = {}) {
  const random = new SeededRandom(seed);
  const across = 8;
  const colors = Array.from({ length: across * across }, () => [0, 0, 0].map(() => random.int(0, 255)));
  return encodePng(width, height, 3, (y, row) => {
    for (let x = 0; x < width; x++) {
      const column = Math.floor((x * across) / width);
      row.set(colors[Math.floor((y * across) / height) * across + column], x * 3);
    }
  });
}

/** A white picture of any size: a small file that is large once it is decoded. @param {number} width @param {number} height */
export const whitePng = (width, height) => encodePng(width, height, 1, (_y, row) => row.fill(255));
