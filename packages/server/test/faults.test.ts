/** What a hostile or broken client does, with real sockets: nothing of it keeps others from their answers. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { deflateSync } from "node:zlib";

import { expect, test } from "vitest";

import { model, post, running, type Json } from "./support/running.js";

const { url, server } = running();
const messages = [{ role: "user", content: "What is hypertension?" }];
const path = () => `${url()}/v1/chat/completions`;

async function stillAnswers(): Promise<void> {
  const response = await post(path(), { model, messages, max_tokens: 4 });
  expect(((await response.json()) as Json).usage.completion_tokens).toBeGreaterThan(0);
}

function open(): Promise<Socket> {
  const { port } = new URL(url());
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("error", () => {});
  return once(socket, "connect").then(() => socket);
}

test("1,000 connections that say half a request", async () => {
  const sockets = await Promise.all(Array.from({ length: 1000 }, open));
  sockets.forEach((socket, i) => {
    const half = ["", "POST /v1/chat", "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n{"];
    socket.write(half[i % half.length]!);
  });
  await stillAnswers();
  expect(server().service.models.find(model).engine!.stats().queued).toBe(0);
  for (const socket of sockets) socket.destroy();
  await stillAnswers();
});

test("a body of 50 MB", async () => {
  const response = await post(path(), { model, messages: [{ role: "user", content: "x ".repeat(25_000_000) }] });
  expect(response.status).toBe(413);
  await stillAnswers();
});

test("JSON nested 100,000 deep", async () => {
  const response = await post(
    path(),
    `{"model": "${model}", "messages": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
  );
  expect(response.status).toBe(400);
  await stillAnswers();
});

/** A PNG of so many pixels of one colour: kilobytes that become gigabytes. */
function bomb(width: number, height: number): string {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length, 0);
    body.copy(framed, 4);
    framed.writeUInt32BE(crc32(body), body.length + 4);
    return framed;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head[8] = 1; // one bit a pixel
  const rows = Buffer.alloc(Math.ceil(width / 8) + 1);
  const data = deflateSync(Buffer.concat(Array.from({ length: Math.min(height, 50) }, () => rows)));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const file = [signature, chunk("IHDR", head), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))];
  return `data:image/png;base64,${Buffer.concat(file).toString("base64")}`;
}

/** As PNG has it. */
function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test("an image of more pixels than may be", async () => {
  const content = [{ type: "image_url", image_url: { url: bomb(60_000, 60_000) } }];
  const response = await post(path(), { model, messages: [{ role: "user", content }] });
  expect(response.status).toBe(400);
  expect(((await response.json()) as Json).error.code).toBe("image_too_large");
  await stillAnswers();
});
