/** What keeps connections while an answer takes long: real sockets, and a clock that the test turns. */
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";

import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { withFailure } from "../src/http/answer-stream.js";
import { problemOf } from "../src/http/engine-problem.js";
import { EventStream } from "../src/http/event-stream.js";
import { sendWhenDone } from "../src/http/long-answer.js";

let server: Server;
let socket: Socket;
let text = "";
let ended = false;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
  socket.destroy();
  server.close();
});

/** Asks a server, and resolves when its listener has been called. */
async function ask(listener: RequestListener): Promise<void> {
  [text, ended] = ["", false];
  server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const called = once(server, "request");
  socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.on("data", (data) => (text += data.toString()));
  socket.on("error", () => {});
  socket.on("close", () => (ended = true));
  socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  await called;
}

/** Lets sockets do what they have to. */
async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((done) => setImmediate(done));
}

async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  await settled();
}

test("an answer in JSON: nothing at first, then headers and blanks, then the whole", async () => {
  let finish = (_: object) => {};
  await ask((_, outgoing) => void sendWhenDone(outgoing, new Promise<object>((resolve) => (finish = resolve))));
  await pass(9_000);
  expect(text).toBe("");
  await pass(2_000);
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*transfer-encoding: chunked[^]*\r\n\r\n1\r\n \r\n$/i);
  await pass(60_000);
  expect(text.match(/1\r\n \r\n/g)).toHaveLength(5);
  finish({ whole: true });
  await settled();
  expect(text).toMatch(/{"whole":true}\r\n0\r\n\r\n$/);
});

test("one that fails late is broken, and one that fails early is not begun", async () => {
  for (const [ms, wanted] of [
    [11_000, /^HTTP\/1\.1 200/],
    [5_000, /^$/],
  ] as const) {
    let fail = (_: Error) => {};
    let thrown: unknown;
    await ask((_, outgoing) => {
      const work = new Promise<object>((_resolve, reject) => (fail = reject));
      sendWhenDone(outgoing, work).catch((error: unknown) => (thrown = error));
    });
    await pass(ms);
    fail(new Error("lost"));
    await settled();
    expect(text).toMatch(wanted);
    expect(text).not.toMatch(/0\r\n\r\n$/);
    expect(ended).toBe(ms > 10_000);
    expect((thrown as Error).message).toBe("lost");
    socket.destroy();
    server.close();
  }
});

test("a stream: headers after a while, a comment whenever nothing has come for a while", async () => {
  let stream: EventStream | undefined;
  await ask((_, outgoing) => {
    stream = new EventStream(outgoing);
    void withFailure({ problemOf }, stream, () => new Promise<void>(() => {}));
  });
  await pass(900);
  expect(text).toBe("");
  await pass(200);
  expect(text).toContain("content-type: text/event-stream");
  await pass(60_000);
  const comments = () => text.split(": keep-alive\n\n").length - 1;
  const before = comments();
  expect(before).toBeGreaterThanOrEqual(3);
  // While events come there are none.
  for (let i = 0; i < 6; i++) {
    void stream!.send("{}");
    await pass(8_000);
  }
  expect(comments()).toBe(before);
});
