/** Images of web servers, and the guard: with servers on several loopback addresses, one of which counts as public. */
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { isPublic, WebImages } from "../src/images/web-images.js";

const PUBLIC = "127.0.0.2";
const servers: Server[] = [];
let asked = 0;

function serve(listener: RequestListener, host: string): Promise<number> {
  const server = createServer((incoming, outgoing) => {
    asked += 1;
    listener(incoming, outgoing);
  });
  servers.push(server);
  return new Promise((done) => server.listen(0, host, () => done((server.address() as AddressInfo).port)));
}

let outside: number;
let inside: number;

beforeAll(async () => {
  inside = await serve((_, outgoing) => outgoing.end("secret"), "127.0.0.1");
  outside = await serve((incoming, outgoing) => {
    const [, what, to = ""] = /^\/(\w+)(?:\/(.*))?$/.exec(incoming.url ?? "") ?? [];
    if (what === "redirect") outgoing.writeHead(302, { location: decodeURIComponent(to) }).end();
    else if (what === "loop") outgoing.writeHead(302, { location: "/loop" }).end();
    else if (what === "large") outgoing.end(Buffer.alloc(2000));
    else if (what === "slow") outgoing.writeHead(200).write("x");
    else if (what === "missing") outgoing.writeHead(404).end();
    else outgoing.end("picture");
  }, PUBLIC);
});
afterAll(() => servers.forEach((server) => server.close()));

const images = new WebImages({ allows: (address) => address === PUBLIC, maxBytes: 1000, timeoutMs: 500 });
const read = (url: string) => images.read(url, "messages[0]");

test("an image is read, over a redirect as well", async () => {
  expect(Buffer.from((await read(`http://${PUBLIC}:${outside}/image`)) as Uint8Array).toString()).toBe("picture");
  const redirect = `http://${PUBLIC}:${outside}/redirect/${encodeURIComponent("/image")}`;
  expect(Buffer.from((await read(redirect)) as Uint8Array).toString()).toBe("picture");
});

describe("what the guard refuses without a request", () => {
  const inner = (host: string) => `http://${host}:${inside}/`;
  test.each(["127.0.0.1", "2130706433", "0x7f000001", "017700000001", "127.1", "[::ffff:127.0.0.1]", "localhost"])(
    "%s",
    async (host) => {
      const before = asked;
      await expect(read(inner(host))).rejects.toMatchObject({ status: 400, code: "image_fetch_failed" });
      expect(asked).toBe(before);
    },
  );

  test("a redirect to an address inside, and to another protocol", async () => {
    for (const target of [inner("127.0.0.1"), inner("localhost"), "file:///etc/hostname"]) {
      const before = asked;
      const url = `http://${PUBLIC}:${outside}/redirect/${encodeURIComponent(target)}`;
      await expect(read(url)).rejects.toMatchObject({ code: "image_fetch_failed" });
      expect(asked).toBe(before + 1);
    }
  });
});

test.each(["loop", "large", "slow", "missing"])("a server that answers with %s", async (what) => {
  await expect(read(`http://${PUBLIC}:${outside}/${what}`)).rejects.toMatchObject({ code: "image_fetch_failed" });
});

test("only hosts that are listed, where there is a list", async () => {
  const listed = new WebImages({ hosts: ["pictures.example"], allows: () => true });
  await expect(listed.read(`http://${PUBLIC}:${outside}/image`, "x")).rejects.toMatchObject({ status: 400 });
});

test("no message repeats the URL", async () => {
  const error = await read("http://quackenbush.invalid/quackenbush").catch((each: Error) => each);
  expect((error as Error).message).not.toMatch(/quackenbush/i);
});

test.each([
  ["8.8.8.8", true],
  ["2606:4700::1111", true],
  ["10.1.2.3", false],
  ["172.16.0.1", false],
  ["192.168.1.1", false],
  ["169.254.169.254", false],
  ["100.64.0.1", false],
  ["0.0.0.0", false],
  ["224.0.0.1", false],
  ["::1", false],
  ["::", false],
  ["fe80::1", false],
  ["fd00::1", false],
  ["::ffff:10.0.0.1", false],
  ["64:ff9b::a00:1", false],
  ["2002:7f00:1::", false],
])("%s is public: %s", (address, expected) => {
  expect(isPublic(address)).toBe(expected);
});
