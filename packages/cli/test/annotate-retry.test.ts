/** `medinfer annotate --retry-failed`: rows with an error are replaced, each once, whenever the process is killed. */
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

import { describe, expect, it } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { run, temporaryFolder, type Outcome } from "./support.js";

interface Row {
  id: string;
  file: string;
  text: string;
  error: { code: string } | null;
}

interface Counts {
  total: number;
  skipped: number;
  written: number;
  failed: number;
}

const folder = temporaryFolder();
const small = readFileSync(fromRoot("test", "fixtures", "images", "rgb.png"));
const asked = ["--temperature", "0", "--n-threads", "1", "--prompt", "Which drugs are on it?", "--n-predict", "3"];
const annotate = (...args: string[]): Promise<Outcome> => run(["annotate", ...asked, ...args]);
const rowsOf = (file: string): Row[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Row);
const failedOf = (rows: readonly Row[]) => rows.filter(({ error }) => error !== null).map(({ file }) => file);

/** Writes an image with bytes of its own; what stands behind its end is no part of it. */
const mend = (file: string) => writeFileSync(file, Buffer.concat([small, Buffer.from(path.basename(file))]));
const spoil = (file: string) => writeFileSync(file, `no picture: ${path.basename(file)}`);

let count = 0;

/** A folder of images, of which those are broken that `isBroken` says. */
function imagesIn(files: number, isBroken: (n: number) => boolean): { images: string; paths: string[]; out: string } {
  const images = path.join(folder, `images-${count}`);
  mkdirSync(images);
  const paths = Array.from({ length: files }, (_, n) => path.join(images, `${String(n).padStart(3, "0")}.png`));
  paths.forEach((file, n) => (isBroken(n) ? spoil(file) : mend(file)));
  return { images, paths, out: path.join(folder, `rows-${count++}.jsonl`) };
}

/** Runs it, and says what its counts are. */
async function counts(...args: string[]): Promise<Counts & { status: number | null }> {
  const { status, stdout, stderr } = await annotate(...args, "--json");
  expect(stderr).toBe("");
  return { status, ...(JSON.parse(stdout) as Counts) };
}

describe("--retry-failed", () => {
  it("asks again for what failed, and leaves all other rows as they are", async () => {
    const { images, paths, out } = imagesIn(5, (n) => n % 2 === 1);
    expect(await counts(images, "--out", out)).toMatchObject({ status: 3, written: 5, failed: 2 });
    const before = readFileSync(out, "utf8").split("\n");
    mend(paths[1]!);
    expect(await counts(images, "--out", out, "--retry-failed")).toMatchObject({
      total: 5,
      skipped: 3,
      written: 2,
      failed: 1,
    });
    const after = readFileSync(out, "utf8").split("\n");
    expect(after.slice(0, 3)).toEqual([before[0], before[2], before[4]]);
    const rows = rowsOf(out);
    expect(rows.map(({ file }) => file)).toEqual([0, 2, 4, 1, 3].map((n) => paths[n]));
    expect(failedOf(rows)).toEqual([paths[3]]);
    mend(paths[3]!);
    expect(await counts(images, "--out", out, "--retry-failed")).toMatchObject({ status: 0, written: 1, failed: 0 });
    // Nothing has failed: nothing is asked, and the file is the same.
    const { ino } = statSync(out);
    expect(await counts(images, "--out", out, "--retry-failed")).toMatchObject({ status: 0, skipped: 5, written: 0 });
    expect(statSync(out).ino).toBe(ino);
    expect(existsSync(`${out}.next`)).toBe(false);
  });

  it("takes the files of this run alone, under whatever name they have now", async () => {
    const { images, paths, out } = imagesIn(3, () => true);
    await annotate(images, "--out", out);
    const [first, second, third] = rowsOf(out);
    // The second has moved with its bytes, the third is not named.
    const moved = path.join(images, "moved.png");
    renameSync(paths[1]!, moved);
    expect(await counts(paths[0]!, moved, "--out", out, "--retry-failed")).toMatchObject({ skipped: 0, written: 2 });
    expect(rowsOf(out)).toEqual([third, first, { ...second, file: moved }]);
  });

  it("takes a file that was not there, and is now", async () => {
    const { images, out } = imagesIn(0, () => false);
    // A link in a folder, which leads nowhere.
    const file = path.join(folder, "away.png");
    symlinkSync(file, path.join(images, "a.png"));
    expect(await counts(images, "--out", out)).toMatchObject({ status: 3, failed: 1 });
    mend(file);
    expect(await counts(images, "--out", out, "--retry-failed")).toMatchObject({ status: 0, total: 1, written: 1 });
    expect(failedOf(rowsOf(out))).toEqual([]);
  });

  it("keeps the mode of the table, and a link to it", async () => {
    const { images, paths, out } = imagesIn(2, (n) => n === 0);
    const link = `${out}.link`;
    await annotate(images, "--out", out);
    chmodSync(out, 0o640);
    symlinkSync(out, link);
    mend(paths[0]!);
    expect(await counts(images, "--out", link, "--retry-failed")).toMatchObject({ status: 0, written: 1 });
    expect(statSync(out).mode & 0o777).toBe(0o640);
    expect(rowsOf(out)).toHaveLength(2);
    expect(readFileSync(link, "utf8")).toBe(readFileSync(out, "utf8"));
  });

  it("gives up no row of a table that was asked something else", async () => {
    const { images, out } = imagesIn(2, () => true);
    await annotate(images, "--out", out);
    const before = readFileSync(out, "utf8");
    const { status, stderr } = await annotate(images, "--out", out, "--retry-failed", "--n-predict", "4");
    expect(status).toBe(1);
    expect(stderr).toContain("rows of another prompt");
    expect(readFileSync(out, "utf8")).toBe(before);
  });
});

describe("a process that is killed", () => {
  it("while the table is written without rows that failed, leaves the table as it was", async () => {
    const { images, paths, out } = imagesIn(3, (n) => n === 1);
    await annotate(images, "--out", out);
    const [done] = rowsOf(out);
    // So many rows of other images that writing them takes a while.
    const row = (n: number) => {
      const id = `${done!.id.slice(0, 17)}${randomBytes(16).toString("hex")}`;
      return `${JSON.stringify({ ...done, id, file: `other-${n}.png`, text: "x".repeat(400) })}\n`;
    };
    for (let n = 0; n < 100_000; n += 10_000)
      appendFileSync(out, Array.from({ length: 10_000 }, (_, i) => row(n + i)).join(""));
    const before = readFileSync(out);
    let seen = 0;
    const { status } = await run(["annotate", ...asked, images, "--out", out, "--retry-failed"], {
      onStart(child) {
        const timer = setInterval(() => {
          if (!existsSync(`${out}.next`)) return;
          seen = statSync(`${out}.next`).size;
          clearInterval(timer);
          child.kill("SIGKILL");
        }, 1);
        child.on("close", () => clearInterval(timer));
      },
    });
    expect(status).toBe(null);
    expect(seen).toBeLessThan(before.length);
    expect(readFileSync(out).equals(before)).toBe(true);
    // What it left behind goes with the next run, of whatever kind.
    expect(existsSync(`${out}.next`)).toBe(true);
    expect(await counts(images, "--out", out)).toMatchObject({ status: 3, written: 0, failed: 1 });
    expect(existsSync(`${out}.next`)).toBe(false);
    mend(paths[1]!);
    expect(await counts(images, "--out", out, "--retry-failed")).toMatchObject({ status: 0, written: 1, failed: 0 });
    const rows = rowsOf(out);
    expect(rows).toHaveLength(100_003);
    expect(rows.at(-1)).toMatchObject({ file: paths[1], error: null });
  });

  it("at whatever moment, and is started again, ends with one row for each file", async () => {
    const files = 60;
    const { images, paths, out } = imagesIn(files, (n) => n % 3 !== 0);
    await annotate(images, "--out", out);
    const good = rowsOf(out).filter(({ error }) => error === null);
    expect(good).toHaveLength(files / 3);
    // One stays broken.
    for (const file of paths.slice(2)) mend(file);
    const args = ["annotate", ...asked, images, "--concurrency", "2", "--out", out, "--retry-failed"];
    let killed = 0;
    let outcome: Outcome;
    do {
      const begin = performance.now();
      const rowsBefore = existsSync(out) ? rowsOf(out).filter(({ error }) => error === null).length : 0;
      outcome = await run(args, {
        onStart(child) {
          if (killed >= 8) return;
          // Behind so many new rows, or, every other time, at any moment.
          const rows = killed % 2 === 0 ? rowsBefore + 1 + Math.floor(Math.random() * 3) : 0;
          const delay = 100 + Math.random() * 1200;
          const timer = setInterval(() => {
            const isTime =
              rows > 0
                ? readFileSync(out, "utf8").split('"error":null').length > rows
                : performance.now() - begin > delay;
            if (!isTime) return;
            clearInterval(timer);
            child.kill("SIGKILL");
          }, 2);
          child.on("close", () => clearInterval(timer));
        },
      });
      if (outcome.status === null) killed += 1;
      // Half a line at the end, at most; no row is there twice, and none that was done is lost.
      const text = readFileSync(out, "utf8");
      const rows = text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Row);
      expect(new Set(rows.map(({ file }) => file)).size).toBe(rows.length);
      expect(rows.slice(0, good.length)).toEqual(good);
      expect(rows.filter(({ error }) => error === null).length).toBeGreaterThanOrEqual(rowsBefore);
    } while (outcome.status === null);
    expect(killed).toBeGreaterThanOrEqual(4);
    expect(outcome.status).toBe(3);
    const rows = rowsOf(out);
    expect(rows).toHaveLength(files);
    expect(new Set(rows.map(({ file }) => file))).toEqual(new Set(paths));
    expect(failedOf(rows)).toEqual([paths[1]]);
  });
});
