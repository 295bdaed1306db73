/** What keeps a folder of files in order: a quota, one server at a time, and batches that still read. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { hostname } from "node:os";
import path from "node:path";

import { afterEach, describe, expect, test } from "vitest";

import { createService, listen } from "@medinfer/server";

import { fromRoot } from "../../../test/support/paths.mjs";
import { zombie } from "../../../test/support/zombie.mjs";
import { Contract } from "./support/contract.js";
import { bearer, keyOf, temporaryFolder } from "./support/keys.js";
import { model, post, running, type Json } from "./support/running.js";
import { until } from "./support/until.js";

const folder = temporaryFolder();
const keys = path.join(folder, "keys.json");
const [ann, bob] = ["ann", "bob"].map((name) => bearer(keyOf(keys, name)));
const QUOTA = 10_000;
const filesFolder = path.join(folder, "served");
const { url } = running({ filesFolder, filesQuota: QUOTA, keys });

function form(content: string, purpose = "user_data"): FormData {
  const data = new FormData();
  data.append("purpose", purpose);
  data.append("file", new Blob([content]), "in.jsonl");
  return data;
}

const upload = (content: string, headers = ann, purpose?: string) =>
  fetch(`${url()}/v1/files`, { method: "POST", body: form(content, purpose), headers });
const remove = (id: string, headers = ann) => fetch(`${url()}/v1/files/${id}`, { method: "DELETE", headers });
const parts = () => readdirSync(filesFolder, { recursive: true }).filter((name) => String(name).endsWith(".part"));

describe("the quota of a tenant", () => {
  test("refuses a file beyond it, says what to do, and leaves nothing of it", async () => {
    const first = (await (await upload("a".repeat(6000))).json()) as Json;
    const refused = await upload("b".repeat(4001));
    const body = (await refused.json()) as Json;
    expect([refused.status, body.error.code, body.error.type]).toEqual([
      413,
      "files_quota_exceeded",
      "invalid_request_error",
    ]);
    expect(body.error.message).toContain("delete files that are not needed");
    expect(body.error).toMatchObject({ bytes_used: 6000, bytes_quota: QUOTA });
    const contract = await Contract.of(url());
    expect(contract.problemsOfError({ at: "/v1/files" }, body)).toEqual([]);
    expect(parts()).toEqual([]);
    const whole = (await (await upload("b".repeat(4000))).json()) as Json;
    expect(whole.bytes).toBe(4000);
    // Full: nothing at all is taken.
    expect((await upload("c")).status).toBe(413);
    // Another tenant's is its own.
    expect((await upload("d".repeat(QUOTA), bob)).status).toBe(200);
    await remove(first.id);
    const again = (await (await upload("a".repeat(6000))).json()) as Json;
    for (const { id } of [whole, again]) expect((await remove(id)).status).toBe(200);
  });

  test("lets one of several in that come at once, and forgets what broke off", async () => {
    const open = () => {
      const headers = { "content-type": "multipart/form-data; boundary=b", ...ann };
      const sent = request(`${url()}/v1/files`, { method: "POST", headers });
      sent.on("error", () => {});
      const response = once(sent, "response").then(([found]) => (found as IncomingMessage).resume().statusCode);
      response.catch(() => {});
      sent.write('--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n');
      sent.write('--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n');
      sent.write("x".repeat(6000));
      return { sent, response };
    };
    const several = Array.from({ length: 4 }, open);
    await until(() => parts().length === 4);
    for (const { sent } of several) sent.end("\r\n--b--\r\n");
    const statuses = await Promise.all(several.map(({ response }) => response));
    expect(statuses.sort()).toEqual([200, 413, 413, 413]);
    expect(parts()).toEqual([]);
    const { data } = (await (await fetch(`${url()}/v1/files`, { headers: ann })).json()) as Json;
    await remove(data[0].id);
    const broken = open();
    await until(() => parts().length === 1);
    broken.sent.destroy();
    await until(() => parts().length === 0);
    const whole = await upload("y".repeat(QUOTA));
    expect(whole.status).toBe(200);
    await remove(((await whole.json()) as Json).id);
  });

  test("says of a file that alone is larger that it is", async () => {
    const first = (await (await upload("a")).json()) as Json;
    // Beside another: its length is seen before anything of it comes.
    const beside = await upload("b".repeat(2 ** 20));
    expect([beside.status, ((await beside.json()) as Json).error.code]).toEqual([413, "file_too_large"]);
    await remove(first.id);
    const { error } = (await (await upload("b".repeat(QUOTA + 1))).json()) as Json;
    expect(error.code).toBe("file_too_large");
    expect(error.message).not.toContain("delete");
    expect(error.message).toContain(String(QUOTA));
    expect(parts()).toEqual([]);
  });
});

test.each(["expires_after[anchor]", "expires_after[seconds]", "expires_after"])(
  "a form with %s is refused, and says what to do",
  async (name) => {
    for (const isFirst of [true, false]) {
      const data = new FormData();
      if (isFirst) data.append(name, "3600");
      for (const [each, value] of form("x")) data.append(each, value);
      if (!isFirst) data.append(name, "3600");
      const refused = await fetch(`${url()}/v1/files`, { method: "POST", body: data, headers: ann });
      const { error } = (await refused.json()) as Json;
      expect([refused.status, error.code, error.param]).toEqual([400, "invalid_value", "expires_after"]);
      expect(error.message).toContain("delete the file when it is not needed");
      expect(parts()).toEqual([]);
    }
  },
);

describe("a file that a batch reads", () => {
  test("is not deleted before the batch is over", async () => {
    const line = {
      custom_id: "a",
      method: "POST",
      url: "/v1/chat/completions",
      body: { model, messages: [{ role: "user", content: "a" }], max_tokens: 3000, ignoreEos: true, maxDraftTokens: 0 },
    };
    const { id } = (await (await upload(JSON.stringify(line), ann, "batch")).json()) as Json;
    const wanted = { input_file_id: id, endpoint: "/v1/chat/completions", completion_window: "24h" };
    const batch = (await (await post(`${url()}/v1/batches`, wanted, { headers: ann })).json()) as Json;
    const refused = await remove(id);
    const { error } = (await refused.json()) as Json;
    expect([refused.status, error.code, refused.headers.get("x-should-retry")]).toEqual([409, "file_in_use", "false"]);
    expect(error.message).toContain(batch.id);
    // Of another tenant it is told nothing.
    expect((await remove(id, bob)).status).toBe(404);
    await post(`${url()}/v1/batches/${batch.id}/cancel`, {}, { headers: ann });
    await until(async () => (await remove(id)).status === 200);
  });
});

describe("a folder", () => {
  const models = [{ name: model }];
  const at = (name: string) => path.join(folder, name);
  const lockOf = (name: string) => path.join(at(name), "server.lock");
  let child: ChildProcess | undefined;
  afterEach(() => void child?.kill("SIGKILL"));

  const refused = { code: "INVALID_ARGUMENT", message: expect.stringContaining("another server has this folder") };

  test("of a server is refused to another one, in the same process too, until it closes", async () => {
    const first = createService({ models, filesFolder: at("a") });
    expect(() => createService({ models, filesFolder: at("a") })).toThrow(expect.objectContaining(refused));
    await expect(listen({ models, filesFolder: at("a"), port: 0 })).rejects.toMatchObject(refused);
    await first.close();
    expect(existsSync(lockOf("a"))).toBe(false);
    const next = createService({ models, filesFolder: at("a") });
    // The end of one that is over takes nothing away from the next.
    await first.close();
    expect(existsSync(lockOf("a"))).toBe(true);
    await next.close();
  });

  test("of another process is refused while that lives, and taken over when it was killed", async () => {
    const program = `
      import { createService } from "@medinfer/server";
      createService({ models: [{ name: "m" }], filesFolder: ${JSON.stringify(at("b"))} });
      console.log("ready");
      setInterval(() => {}, 1000);`;
    child = spawn(process.execPath, ["--input-type=module", "-e", program], { cwd: fromRoot("packages", "server") });
    await once(child.stdout!, "data");
    expect(() => createService({ models, filesFolder: at("b") })).toThrow(expect.objectContaining(refused));
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    expect(existsSync(lockOf("b"))).toBe(true);
    const next = createService({ models, filesFolder: at("b") });
    expect(JSON.parse(readFileSync(lockOf("b"), "utf8")).pid).toBe(process.pid);
    expect(readdirSync(at("b"))).toEqual(["server.lock"]);
    await next.close();
  });

  test.skipIf(process.platform !== "linux")(
    "of a process that was killed, and not asked how it ended, is free",
    async () => {
      await createService({ models, filesFolder: at("z") }).close();
      const { pid, end } = await zombie();
      writeFileSync(lockOf("z"), JSON.stringify({ pid, host: hostname(), id: "x" }));
      await createService({ models, filesFolder: at("z") }).close();
      end();
    },
  );

  test.each<[string, () => string, number, boolean]>([
    ["of another host that lives", () => JSON.stringify({ pid: 1, host: "elsewhere", id: "x" }), 0, false],
    ["of another host that is silent", () => JSON.stringify({ pid: 1, host: "elsewhere", id: "x" }), 120_000, true],
    ["of a container before", () => JSON.stringify({ pid: process.pid, host: hostname(), id: "x" }), 0, true],
    ["that was written in part", () => '{"pid"', 0, true],
  ])("with the lock %s", async (name, content, age, isFree) => {
    const own = name.replaceAll(" ", "-");
    await createService({ models, filesFolder: at(own) }).close();
    writeFileSync(lockOf(own), content());
    const then = new Date(Date.now() - age);
    utimesSync(lockOf(own), then, then);
    const take = () => createService({ models, filesFolder: at(own) });
    if (isFree) await take().close();
    else expect(take).toThrow(expect.objectContaining(refused));
  });

  test("that cannot be made is refused by its name", () => {
    writeFileSync(at("file"), "");
    expect(() => createService({ models, filesFolder: path.join(at("file"), "x") })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", message: expect.stringMatching(/^filesFolder: /) }),
    );
  });
});
