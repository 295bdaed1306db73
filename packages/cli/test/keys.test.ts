/** Keys, and a server that asks for them: the real program. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, describe, expect, it } from "vitest";

import { withoutCpuWarning } from "../../../test/support/node-arguments.mjs";
import { printed, printedJson, program, run, temporaryFolder } from "./support.js";

const folder = temporaryFolder();
const fileOf = (name: string) => path.join(folder, name);

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null) continue;
    child.kill();
    await once(child, "exit");
  }
});

/** @returns where it listens, and where its administrators are, once it is ready */
async function serve(...args: string[]): Promise<{ url: string; adminUrl: string | undefined }> {
  const child = spawn(process.execPath, [withoutCpuWarning, program, "serve", "--port", "0", ...args], {
    cwd: tmpdir(),
    stdio: ["ignore", "ignore", "pipe"],
  });
  children.push(child);
  let told = "";
  for await (const data of child.stderr) {
    told += String(data);
    if (told.includes("ready:")) break;
  }
  const [, url] = /listening on (\S+)/.exec(told) ?? [];
  if (url === undefined) throw new Error(told);
  return { url, adminUrl: /administrators: (\S+)/.exec(told)?.[1] };
}

const status = async (url: string, key?: string) =>
  (await fetch(url, { headers: key === undefined ? {} : { authorization: `Bearer ${key}` } })).status;

describe("medinfer keys", () => {
  const file = fileOf("keys.json");

  it("prints a new key once, and writes its digest", async () => {
    const key = (await printed(["keys", "add", file, "ward-3", "--tenant", "cardiology"])).trim();
    expect(key).toMatch(/^mi-[\w-]{43}$/);
    const operator = await printed(["keys", "add", file, "operator", "--role", "admin", "--role", "metrics"]);
    expect(operator.trim()).not.toBe(key);
    const machine = await run(["keys", "add", file, "machine", "--certificate", "CN=machine"]);
    expect(machine).toEqual({ status: 0, stdout: "", stderr: "medinfer: its certificate is the key\n" });
    const text = readFileSync(file, "utf8");
    expect(text).not.toContain(key);
    expect(JSON.parse(text)).toMatchObject({ keys: [{ name: "ward-3", sha256: expect.any(String) }, {}, {}] });
    if (process.platform !== "win32") expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("lists names, tenants and roles, never digests", async () => {
    const text = await printed(["keys", "list", file]);
    const json = await printedJson(["keys", "list", "--json", file]);
    expect(text.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["ward-3", "cardiology", "user", "key"],
      ["operator", "default", "admin,metrics", "key"],
      ["machine", "default", "user", "CN=machine"],
      [""],
    ]);
    expect(json).toMatchObject({ keys: [{ name: "ward-3", key: true }, {}, { key: false }], tenants: {} });
    for (const { sha256 } of (JSON.parse(readFileSync(file, "utf8")) as { keys: { sha256?: string }[] }).keys) {
      if (sha256 !== undefined) expect(text + JSON.stringify(json)).not.toContain(sha256);
    }
  });

  it("revokes", async () => {
    expect(await printed(["keys", "revoke", file, "operator"])).toBe("");
    expect(await printed(["keys", "list", file])).not.toContain("operator");
  });

  it("says what is wrong in one line, and changes nothing", async () => {
    const before = readFileSync(file, "utf8");
    const broken = fileOf("broken.json");
    writeFileSync(broken, '{"keys": [{"name": "Quackenbush"');
    for (const [args, message] of [
      [["add", file, "ward-3"], /keys must have names that differ/],
      [["add", file, "two words"], /keys\[2\]\.name must be 1 to 64/],
      [["add", file, "x", "--role", "root"], /keys\[2\]\.roles\[0\] must be "user" or "admin"/],
      [["revoke", file, "nobody"], /no key of the file has that name/],
      [["list", fileOf("none.json")], /none\.json: there is no such file: medinfer keys add makes one/],
      [["add", broken, "x"], /broken\.json: it is no valid JSON/],
      [["add", path.join(folder, "none", "keys.json"), "x"], /cannot be written \(ENOENT\)/],
    ] as const) {
      const { status: code, stdout, stderr } = await run(["keys", ...args]);
      expect({ code, stdout }, args.join(" ")).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^medinfer: INVALID_ARGUMENT: [^\n]+\n$/);
      expect(stderr).toMatch(message);
      expect(stderr).not.toContain("Quackenbush");
    }
    expect(readFileSync(file, "utf8")).toBe(before);
  });
});

describe("medinfer serve", () => {
  it("asks for keys, and takes new ones and revocations while it runs", async () => {
    const file = fileOf("served.json");
    const key = (await printed(["keys", "add", file, "ward-3"])).trim();
    const operator = (await printed(["keys", "add", file, "operator", "--role", "admin"])).trim();
    const { url, adminUrl } = await serve("--keys", file, "--admin", "0", "--host", "0.0.0.0");
    const models = `${url.replace("0.0.0.0", "127.0.0.1")}/v1/models`;
    expect([await status(models), await status(models, "mi-x"), await status(models, key)]).toEqual([401, 401, 200]);
    expect(await status(`${adminUrl}/admin/tenants`, operator)).toBe(200);
    await printed(["keys", "revoke", file, "ward-3"]);
    for (let i = 0; i < 100 && (await status(models, key)) !== 401; i++) await sleep(100);
    expect(await status(models, key)).toBe(401);
  });

  it("does not listen to other hosts without keys, unless that is said", async () => {
    const { status: code, stderr } = await run(["serve", "--host", "0.0.0.0", "--port", "0"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^medinfer: INVALID_ARGUMENT: [^\n]*--keys[^\n]*--open[^\n]*\n$/);
    const { url } = await serve("--host", "0.0.0.0", "--open");
    expect(await status(`${url.replace("0.0.0.0", "127.0.0.1")}/v1/models`)).toBe(200);
  });

  it("says which file of TLS is missing", async () => {
    const alone = await run(["serve", "--tls-cert", "x.pem", "--port", "0"]);
    expect(alone.stderr).toMatch(/^medinfer: INVALID_ARGUMENT: TLS needs both --tls-cert and --tls-key\n$/);
    const missing = await run(["serve", "--tls-cert", "x.pem", "--tls-key", "y.pem", "--port", "0"]);
    expect(missing.stderr).toMatch(/^medinfer: INVALID_ARGUMENT: x\.pem: it cannot be read \(ENOENT\)[^\n]*\n$/);
  });
});
