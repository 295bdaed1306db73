/** Rows that go through a queue: a folder's, and a PostgreSQL server's. */
import { spawn, type ChildProcess } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import type { RunStatus } from "@medinfer/batch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { withoutCpuWarning } from "../../../test/support/node-arguments.mjs";
import { fromRoot } from "../../../test/support/paths.mjs";
import { startPostgres } from "../../../test/support/postgres.mjs";
import { running } from "./server.js";
import { program, run, temporaryFolder, type RunSettings } from "./support.js";

const folder = temporaryFolder();
const prescriptions = [0, 1, 2].map((n) => fromRoot("examples", "prescriptions", `0000${n}.png`));
const small = readFileSync(fromRoot("test", "fixtures", "images", "rgb.png"));
const documents = fromRoot("packages", "documents", "test", "files");
const asked = ["--temperature", "0", "--prompt", "Which drugs are on it?"];
const asJson = [
  ...["--temperature", "0", "--prompt", "Return the prescription as JSON."],
  ...["--json-schema", fromRoot("models", "answer-schema.json")],
];
const oneThread = ["--n-threads", "1"];

interface Line {
  row: string;
  attempt: number;
  sources: { id: string; page: number }[];
  value: { text: string; parsed: unknown; page: { kind: string; pageCount: number } };
  error?: { code: string };
}

const linesOf = (file: string): Line[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((text) => JSON.parse(text) as Line);
const annotate = (args: readonly string[], settings?: RunSettings) =>
  run(["annotate", ...oneThread, ...args], settings);
const statusOf = async (queue: string) =>
  (JSON.parse((await run(["status", "--queue", queue, "--json"])).stdout) as RunStatus[])[0]!;

/** Pictures with bytes of their own: what stands behind a picture's end is no part of it. */
function pictures(name: string, count: number): string {
  const place = path.join(folder, name);
  mkdirSync(place, { recursive: true });
  for (let n = 0; n < count; n++) {
    writeFileSync(
      path.join(place, `${String(n).padStart(3, "0")}.png`),
      Buffer.concat([small, Buffer.from(`${name}${n}`)]),
    );
  }
  return place;
}

let count = 0;
/** A folder for results, as users name it. */
const results = () => `${path.join(folder, `results-${count++}`)}/`;
const queueIn = (out: string) => `dir:${out}.medinfer`;

describe("with a folder", () => {
  it("gives what a table without a queue has, in every format, and asks nothing twice", async () => {
    const out = results();
    const args = [...prescriptions, ...asJson, "--out", out, "--format", "jsonl,csv,parquet"];
    const { status, stdout, stderr } = await annotate(args);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
    expect(stderr).toMatch(/^medinfer: run [0-9a-f]{16}: 3 inputs = 3 done \+ 0 failed \+ 0 quarantined, in \d+ s\n$/);
    const { stdout: plain } = await annotate([...prescriptions, ...asJson]);
    const rows = plain
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text) as { file: string; parsed: unknown });
    const lines = linesOf(`${out}rows.jsonl`);
    expect(lines.map(({ sources, value }) => ({ file: sources[0]!.id, parsed: value.parsed }))).toEqual(
      rows.map(({ file, parsed }) => ({ file, parsed })),
    );
    // In the order of the schema's properties.
    expect(Object.keys(lines[0]!.value.parsed as object)).toEqual(Object.keys(rows[0]!.parsed as object));
    expect(readdirSync(out).sort()).toEqual([".medinfer", "failed.jsonl", "rows.csv", "rows.jsonl", "rows.parquet"]);
    expect(readFileSync(`${out}rows.csv`, "utf8").split("\r\n")[0]).toMatch(
      /^row,source,page,id,more_sources,patient,/,
    );
    expect(readFileSync(`${out}rows.parquet`).subarray(0, 4).toString()).toBe("PAR1");
    expect(statSync(out).mode & 0o777).toBe(0o700);
    expect(statSync(`${out}rows.jsonl`).mode & 0o777).toBe(0o600);
    const again = await annotate([...args, "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ inputs: 3, done: 3, complete: true });
    expect(linesOf(`${out}rows.jsonl`)).toEqual(lines);
  });

  it("reads documents of all kinds, page by page, and says what it cannot", async () => {
    const place = path.join(folder, "documents");
    mkdirSync(place);
    const files = { "a.pdf": "pdf/aes-256.pdf", "b.tif": "pictures/fax-g4.tif", c: "dicom/rle-rgb-planar.dcm" };
    for (const [name, file] of Object.entries(files))
      writeFileSync(path.join(place, name), readFileSync(path.join(documents, file)));
    writeFileSync(path.join(place, "Johanna.pdf"), "no document");
    writeFileSync(path.join(place, "notes.txt"), "no document");
    const out = results();
    const args = [place, ...asked, "--n-predict", "60", "--out", out];
    const first = await annotate(args);
    expect(first.status).toBe(3);
    expect(first.stderr).toContain("1 files in the folders are left out");
    expect(first.stderr).toMatch(/6 inputs = \d done \+ \d failed \+ 0 quarantined \(.*1 DOCUMENT_PASSWORD/);
    expect(first.stderr).not.toContain("Johanna");
    const secret = path.join(folder, "password");
    writeFileSync(secret, "user\n");
    // The document is looked at anew: its password is known now.
    const second = await annotate([...args, "--password-file", secret]);
    expect(second.stderr).toContain("6 inputs = ");
    const places = [...linesOf(`${out}rows.jsonl`), ...linesOf(`${out}failed.jsonl`)].map(({ sources: [source] }) => [
      path.basename(source!.id),
      source!.page,
    ]);
    const pages = [
      ["Johanna.pdf", 0],
      ["a.pdf", 1],
      ["b.tif", 1],
      ["b.tif", 2],
      ["b.tif", 3],
      ["c", 1],
    ];
    expect(places.sort()).toEqual(pages);
    expect(linesOf(`${out}failed.jsonl`).map(({ error }) => error!.code)).toContain("DOCUMENT_UNSUPPORTED");
    const kinds = linesOf(`${out}rows.jsonl`).map(({ value: { page } }) => page.kind);
    expect(new Set([...kinds, "pdf", "tiff", "dicom"]).size).toBe(3);
  });

  it("keeps runs of two folders apart, and runs with names", async () => {
    const out = results();
    const more = [...asked, "--n-predict", "1", "--out", out];
    for (const place of [pictures("one", 1), pictures("two", 2)]) await annotate([place, ...more]);
    const named = await annotate([path.join(folder, "one"), ...more, "--run", "third"]);
    expect(named.stderr).toContain("run third: 1 inputs = ");
    const { stdout } = await run(["status", "--queue", queueIn(out)]);
    expect(stdout).toMatch(/^run +inputs +done +failed +quarantined/);
    expect(stdout.trimEnd().split("\n")).toHaveLength(4);
    const several = await run(["export", "--queue", queueIn(out), "--out", results()]);
    expect(several.stderr).toBe(
      "medinfer: INVALID_ARGUMENT: the queue has 3 runs: name one of them: see medinfer status\n",
    );
  });

  it("loses nothing when it is killed, at whatever moment, and computes no row twice that was done", async () => {
    const place = pictures("killed", 30);
    const out = results();
    const args = [place, ...asJson, "--out", out, "--concurrency", "2"];
    let killed = 0;
    let status: number | null;
    do {
      const delay = 3000 + Math.random() * 3000;
      ({ status } = await annotate(args, {
        onStart(child) {
          if (killed < 3) setTimeout(() => child.kill("SIGKILL"), delay);
        },
      }));
      if (status === null) killed += 1;
    } while (status === null);
    expect(killed).toBeGreaterThanOrEqual(2);
    const rows = [...linesOf(`${out}rows.jsonl`), ...linesOf(`${out}failed.jsonl`)];
    expect(new Set(rows.map(({ row }) => row)).size).toBe(30);
    expect(rows).toHaveLength(30);
    // At most those that were under way.
    expect(rows.reduce((sum, { attempt }) => sum + attempt - 1, 0)).toBeLessThanOrEqual(killed * 3);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("ends in order at %s, and goes on later", async (signal) => {
    const place = pictures(signal, 40);
    const out = results();
    const longer = ["--n-predict", "100", "--ignore-eos", "--concurrency", "1", "--progress", "plain"];
    const args = [place, ...asked, ...longer, "--out", out];
    const stopped = await annotate(args, {
      onStart(child) {
        // The first line of its progress comes when rows are under way.
        child.stderr.once("data", () => child.kill(signal));
      },
    });
    expect(stopped.status).toBe(130);
    expect(stopped.stderr).toMatch(/medinfer: interrupted\n$/);
    const { running: held, queued } = await statusOf(queueIn(out));
    expect({ held, isLeft: queued > 0 }).toEqual({ held: 0, isLeft: true });
    expect((await annotate(args)).stderr).toContain("40 inputs = ");
  });

  it("asks failed rows again with retry and a worker, and with --retry-failed", async () => {
    const out = results();
    const place = pictures("cut", 2);
    const args = [place, ...asked, "--n-predict", "2", "--out", out];
    const { status, stderr } = await annotate(args);
    expect(status).toBe(3);
    expect(stderr).toContain("2 inputs = 0 done + 2 failed + 0 quarantined (2 ANSWER_CUT)");
    const queue = ["--queue", queueIn(out)];
    const others = await run(["retry", "--failed", "--code", "IMAGE_DECODE", "--json", ...queue]);
    expect(JSON.parse(others.stdout)).toMatchObject({ rows: 0 });
    const all = await run(["retry", "--failed", ...queue]);
    expect(all.stderr).toMatch(/^medinfer: run [0-9a-f]+: 2 rows are queued again\n$/);
    expect(await statusOf(queueIn(out))).toMatchObject({ queued: 2, failed: 0 });
    const worked = await run(["worker", ...oneThread, "--idle", "1", ...queue]);
    expect(worked.status).toBe(0);
    expect(worked.stderr).toMatch(/working: 8 rows at once of runs that ask medinfer-tiny\n/);
    expect(worked.stderr).toContain("ended: 0 rows done, 2 failed, 0 quarantined here");
    const again = await annotate([...args, "--retry-failed", "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ inputs: 2, failed: 2 });
    expect(linesOf(`${out}failed.jsonl`).map(({ attempt }) => attempt)).toEqual([3, 3]);
  });

  it("does not overwrite a table that was made without one", async () => {
    const out = path.join(folder, "light.jsonl");
    const args = [prescriptions[0]!, ...asked, "--n-predict", "2", "--out", out];
    await annotate(args);
    const before = readFileSync(out, "utf8");
    const { status, stderr } = await annotate([...args, "--queue", `dir:${folder}/beside`]);
    expect(status).toBe(1);
    expect(stderr).toContain("is a table of medinfer annotate without a queue");
    expect(readFileSync(out, "utf8")).toBe(before);
  });

  it("is one process's at a time", async () => {
    const out = results();
    const args = [pictures("held", 10), ...asked, "--n-predict", "100", "--ignore-eos", "--out", out];
    const second = { status: 0 as number | null, stderr: "" };
    await annotate(args, {
      onStart(child) {
        void (async () => {
          while (!existsSync(`${out}.medinfer/pg`)) await sleep(50);
          Object.assign(second, await run(["status", "--queue", queueIn(out)]));
          child.kill("SIGKILL");
        })();
      },
    });
    expect(second.status).toBe(1);
    expect(second.stderr).toContain("QUEUE_IN_USE");
  });
});

describe("with a server", () => {
  const { url } = running();

  it("asks it, and a worker takes what asks its models alone", async () => {
    const out = results();
    const args = [prescriptions[0]!, ...asJson, "--url", url(), "--out", out];
    const { status, stderr } = await run(["annotate", ...args]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining("1 inputs = 1 done") });
    expect(linesOf(`${out}rows.jsonl`)[0]!.value.parsed).toMatchObject({ patient: "Greta Ferreira" });
    // Another name is another model, and other rows.
    const other = ["--model", "no-such-model", "--submit", "--queue", queueIn(out)];
    await run(["annotate", prescriptions[0]!, ...asJson, "--url", url(), ...other]);
    const worked = await run(["worker", "--url", url(), "--idle", "1", "--queue", queueIn(out)]);
    expect(worked.stderr).toMatch(/run [0-9a-f]+ is left to others: it asks the model no-such-model\n/);
    expect(worked.stderr).toContain("ended: 0 rows done");
  });
});

describe("with PostgreSQL", () => {
  let server: Awaited<ReturnType<typeof startPostgres>>;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());
  const env = () => ({ MEDINFER_QUEUE: server.url("postgres", "medinfer:Secret123@") });

  const workers: ChildProcess[] = [];
  afterAll(() => {
    for (const child of workers) child.kill("SIGKILL");
  });
  const log = path.join(folder, "workers.log");
  /** @returns the process, and its end */
  const startWorker = (host: string) => {
    const args = [withoutCpuWarning, program, "worker", ...oneThread, "--host", host, "--concurrency", "2"];
    const child = spawn(process.execPath, args, {
      cwd: tmpdir(),
      env: { ...process.env, ...env() },
      stdio: ["ignore", "ignore", "pipe"],
    });
    child.stderr!.on("data", (data: Buffer) => appendFileSync(log, data));
    workers.push(child);
    return { child, ended: new Promise<number | null>((resolve) => child.once("close", resolve)) };
  };

  it("several hosts compute what was submitted; one that is killed loses nothing", async () => {
    const rows = 24;
    const submitted = await annotate([pictures("hosts", rows), ...asJson, "--submit"], { env: env() });
    expect(submitted.stderr).toMatch(/^medinfer: run [0-9a-f]{16}: 24 rows are queued\n$/);
    const [first, second] = [startWorker("first"), startWorker("second")];
    const now = async () => (JSON.parse((await run(["status", "--json"], { env: env() })).stdout) as RunStatus[])[0]!;
    const until = async (isSo: (status: RunStatus) => boolean) => {
      for (;;) {
        const found = await now();
        if (isSo(found)) return found;
        await sleep(500);
      }
    };
    await until(({ hosts }) => hosts.length === 2 && hosts.every(({ running: held, late }) => held + late > 0));
    first.child.kill("SIGKILL");
    const { inputs, done, failed, quarantined } = await until(({ running: held, queued }) => held + queued === 0);
    expect({ inputs, sum: done + failed + quarantined, quarantined }).toEqual({
      inputs: rows,
      sum: rows,
      quarantined: 0,
    });
    second.child.kill("SIGTERM");
    expect(await second.ended).toBe(0);
    expect(readFileSync(log, "utf8")).toMatch(/medinfer: ended: \d+ rows done, \d+ failed, 0 quarantined here\n/);
    const out = results();
    const { status } = await run(["export", "--out", out], { env: env() });
    expect(status).toBe(0);
    const lines = [...linesOf(`${out}rows.jsonl`), ...linesOf(`${out}failed.jsonl`)];
    expect(new Set(lines.map(({ row }) => row)).size).toBe(rows);
    expect(readFileSync(log, "utf8")).not.toContain("Secret123");
  });

  it("never shows the queue's password", async () => {
    const wrong = { MEDINFER_QUEUE: "postgres://medinfer:Secret123@127.0.0.1:1/none" };
    for (const args of [["status"], ["worker"], ["annotate", prescriptions[0]!, ...asked], ["worker", "--help"]]) {
      const { stdout, stderr } = await run(args, { env: wrong });
      expect(stdout + stderr).not.toBe("");
      expect(stdout + stderr).not.toContain("Secret123");
    }
  });
});

describe("wrong usage", () => {
  it.each([
    ["no queue", ["status"], 2, "--queue, or MEDINFER_QUEUE, is needed"],
    ["a folder without a queue", ["status", "--queue", "dir:nowhere"], 1, "there is no queue in this folder"],
    ["retry without what", ["retry", "--queue", "dir:nowhere"], 2, "--failed is needed"],
    ["export without a folder", ["export", "--queue", "dir:nowhere"], 2, "--out is needed"],
    ["an unknown format", ["export", "--format", "jsonl,xml"], 2, "It has to be of jsonl, csv, parquet, fhir"],
    [
      "a format without a folder",
      ["annotate", "x.png", "--format", "csv", "--queue", "dir:x"],
      2,
      "--format needs --out",
    ],
    ["--submit without a queue", ["annotate", "x.png", "--submit"], 2, "--submit needs --queue"],
    ["--submit with --out", ["annotate", "x.png", "--submit", "--queue", "dir:x", "--out", "r/"], 2, "--submit waits"],
    ["evidence without a schema", ["annotate", "x.png", ...asked, "--evidence"], 2, "--evidence needs --json-schema"],
    ["a bucket", ["annotate", "s3://bucket/scans", ...asked], 1, "mount the bucket, or copy it"],
    ["Redis", ["status", "--queue", "redis://host"], 1, "a queue in Redis is not supported"],
  ])("is %s", async (_name, args, expected, message) => {
    const { status, stdout, stderr } = await run(args);
    expect({ status, stdout }).toEqual({ status: expected, stdout: "" });
    expect(stderr).toMatch(/^medinfer: [^\n]+\n$/);
    expect(stderr).toContain(message);
  });
});
