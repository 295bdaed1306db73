/** Queues that open, and those that say why they do not. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";

import { expect, test } from "vitest";

import { openQueue } from "../src/index.js";
import { postgresServer, temporaryFolder } from "./support/queues.js";

const server = postgresServer();
const folder = temporaryFolder();

async function failure(url: string, options = {}): Promise<{ code: string; message: string }> {
  try {
    await (await openQueue(url, options)).close();
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
  throw new Error("it opened");
}

test.each([
  ["", "INVALID_ARGUMENT"],
  ["mysql://localhost/x", "INVALID_ARGUMENT"],
  ["dir:", "INVALID_ARGUMENT"],
  ["redis://localhost", "INVALID_ARGUMENT"],
  ["postgres://user:geheim@127.0.0.1:1/x", "QUEUE_UNREACHABLE"],
  ["postgres://user:geheim@no-such-host.invalid/x", "QUEUE_UNREACHABLE"],
])("%s: %s", async (url, code) => {
  const found = await failure(url);
  expect(found.code).toBe(code);
  expect(found.message).not.toContain("geheim");
  expect(found.message.length).toBeGreaterThan(40);
});

test("a database that is not there, a user who may not, options out of range", async () => {
  expect(await failure(server().url("nothing", "medinfer:geheim@"))).toMatchObject({ code: "QUEUE_REFUSED" });
  expect(await failure(server().url("postgres", "nobody:geheim@"))).toMatchObject({ code: "QUEUE_REFUSED" });
  const queue = await openQueue(server().url());
  await queue.database.query("CREATE ROLE reader LOGIN");
  await queue.close();
  const found = await failure(server().url("postgres", "reader@"), { schema: "other" });
  expect(found).toMatchObject({ code: "QUEUE_REFUSED" });
  expect(found.message).toMatch(/GRANT CREATE/);
  expect(await failure(server().url(), { schema: "Robert'; --" })).toMatchObject({ code: "INVALID_ARGUMENT" });
  expect(await failure(server().url(), { leaseSeconds: 1 })).toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("many processes may make the tables at once, and a newer version's are left alone", async () => {
  const queues = await Promise.all(Array.from({ length: 5 }, () => openQueue(server().url(), { schema: "race" })));
  for (const queue of queues.slice(1)) await queue.close();
  await queues[0]!.database.query("INSERT INTO race.migrations (version) VALUES (1000)");
  await queues[0]!.close();
  expect(await failure(server().url(), { schema: "race" })).toMatchObject({ code: "QUEUE_NEWER" });
});

test("a schema that holds something else is refused", async () => {
  const queue = await openQueue(server().url());
  await queue.database.script("CREATE SCHEMA taken; CREATE TABLE taken.runs (nothing int)");
  await queue.close();
  expect(await failure(server().url(), { schema: "taken" })).toMatchObject({ code: "QUEUE_UNSUPPORTED" });
});

test("a folder is for one process, private, and goes on after a kill", async () => {
  const place = path.join(folder, "queue");
  const child = fork(path.join(import.meta.dirname, "support", "hold-folder.mjs"), [`dir:${place}`]);
  await once(child, "message");
  const found = await failure(`dir:${place}`);
  expect(found.code).toBe("QUEUE_IN_USE");
  expect(found.message).toContain(`process ${child.pid}`);
  expect(statSync(place).mode & 0o777).toBe(0o700);
  expect(statSync(path.join(place, "pg")).mode & 0o777).toBe(0o700);
  child.kill("SIGKILL");
  await once(child, "exit");
  const queue = await openQueue(`dir:${place}`);
  expect(await failure(`dir:${place}`)).toMatchObject({ code: "QUEUE_IN_USE" });
  await queue.close();
  // Its number is somebody else's by now: of a process that began at another time.
  const lock = path.join(place, "queue.lock");
  writeFileSync(
    lock,
    JSON.stringify({ id: "x", pid: process.pid, host: (await import("node:os")).hostname(), began: "1" }),
  );
  await (await openQueue(`dir:${place}`)).close();
  expect(() => readFileSync(lock)).toThrow();
});

test("a folder that cannot be made is refused", async () => {
  const file = path.join(folder, "file");
  writeFileSync(file, "");
  expect(await failure(`dir:${path.join(file, "below")}`)).toMatchObject({ code: "QUEUE_REFUSED" });
});
