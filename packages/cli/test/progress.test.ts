/** How far an annotation is, at a real terminal and without one. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, it } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { run, temporaryFolder } from "./support.js";
import { hasTerminal, runAtTerminal } from "./terminal.js";

const folder = temporaryFolder();
const small = readFileSync(fromRoot("test", "fixtures", "images", "rgb.png"));
const files = 6;
const images = path.join(folder, "images");
mkdirSync(images);
for (let n = 0; n < files - 1; n++) {
  writeFileSync(path.join(images, `Johanna-${n}.png`), Buffer.concat([small, Buffer.from(String(n))]));
}
writeFileSync(path.join(images, "Johanna-broken.png"), "no picture");

let count = 0;
const asked = ["--prompt", "Which drugs are on it?", "--n-predict", "4", "--temperature", "0", "--n-threads", "1"];
/** One row after the other, so that each is shown. */
const annotate = (...more: string[]) => [
  ...["annotate", images, ...asked, "--batch-size", "1", "--concurrency", "1"],
  ...["--out", path.join(folder, `rows-${count++}.jsonl`), ...more],
];
const summary = /medinfer: 6 rows: 6 written, 1 failed, in \d+ s\r?\n$/;
const ESC = "\x1b";
/** SGR: colours and weights. */
const colours = new RegExp(`${ESC}\\[[\\d;]*m`);
/** What was drawn, one picture of the bar each. */
const drawnIn = (shown: string) => [...shown.matchAll(/([#.]{10,}) (\d+)\/(\d+) ([^\x1b\r]*)/g)];

describe.skipIf(!hasTerminal)("at a terminal", () => {
  it("is a bar with the rate, what failed and the time left, which ends whole", async () => {
    // Rows long enough that the bar, which is drawn five times a second, is seen on its way.
    const { status, shown } = await runAtTerminal(annotate("--n-predict", "60", "--ignore-eos"));
    expect(status).toBe(3);
    const drawn = drawnIn(shown);
    const done = drawn.map(([, , value]) => Number(value));
    expect(done[0]).toBe(0);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(drawn.length).toBeGreaterThan(2);
    expect(drawn.every(([, , , total]) => total === String(files))).toBe(true);
    // On the way, and at the end.
    expect(drawn.some(([, , , , told]) => /^[\d.]+ rows\/s, \d+ s left$/.test(told!))).toBe(true);
    const [, bar, value, , told] = drawn.at(-1)!;
    expect({ bar, value }).toEqual({ bar: "#".repeat(40), value: String(files) });
    expect(told).toMatch(/^1 failed, [\d.]+ rows\/s$/);
    expect(shown).toMatch(summary);
    expect(shown).not.toContain("Johanna");
    expect(shown).not.toMatch(colours);
    // The cursor is there again, behind the bar.
    expect(shown.lastIndexOf(`${ESC}[?25h`)).toBeGreaterThan(shown.lastIndexOf(`${ESC}[?25l`));
    expect(shown.lastIndexOf(`${ESC}[?25h`)).toBeLessThan(shown.indexOf("medinfer: 6 rows"));
  });

  it("begins with the rows that were there, which the rate leaves out", async () => {
    const args = annotate();
    await run(args);
    const { status, shown } = await runAtTerminal(args);
    expect(status).toBe(3);
    const [, bar, value, , told] = drawnIn(shown).at(-1)!;
    expect({ bar, value, told }).toEqual({ bar: "#".repeat(40), value: String(files), told: "1 failed" });
    expect(shown).toContain("0 written, 6 were there before");
  });

  it("stays on one line where the terminal is narrow", async () => {
    const { shown } = await runAtTerminal(annotate(), { columns: 30 });
    // The terminal cuts the line off: it is told not to wrap, and to wrap again behind it.
    expect(shown.indexOf(`${ESC}[?7l`)).toBeLessThan(shown.search(/[#.]{10}/));
    expect(shown.lastIndexOf(`${ESC}[?7h`)).toBeGreaterThan(shown.lastIndexOf(`${ESC}[?7l`));
    const begin = shown.indexOf(`${ESC}[?25l`);
    expect(shown.slice(begin, shown.lastIndexOf("####"))).not.toContain("\n");
  });

  it("is taken down at Ctrl-C, with the cursor there again", async () => {
    let pressed = false;
    const { status, shown } = await runAtTerminal(annotate("--n-predict", "400", "--ignore-eos"), {
      onShown(sofar) {
        if (pressed || drawnIn(sofar).length === 0) return undefined;
        pressed = true;
        return "\x03";
      },
    });
    expect(status).toBe(130);
    expect(shown).toMatch(/medinfer: interrupted\r\n$/);
    expect(shown.lastIndexOf(`${ESC}[?25h`)).toBeGreaterThan(shown.lastIndexOf(`${ESC}[?25l`));
  });

  it.each([
    ["--progress plain", ["--progress", "plain"], "xterm"],
    ["a dumb terminal", [], "dumb"],
    ["a dumb terminal that a bar is asked of", ["--progress", "bar"], "dumb"],
  ])("is lines of text with %s", async (_name, args, TERM) => {
    const { shown } = await runAtTerminal(annotate(...args), { env: { TERM } });
    expect(shown).toMatch(/^6 of 6 rows, 1 failed, [\d.]+ rows\/s\r\nmedinfer: 6 rows/m);
    expect(shown).not.toContain(ESC);
    expect(shown).toMatch(summary);
  });

  it("is nothing with --progress none", async () => {
    const { shown } = await runAtTerminal(annotate("--progress", "none"));
    expect(shown).not.toContain(ESC);
    expect(shown).toMatch(/^medinfer: 6 rows/);
  });
});

describe("without a terminal", () => {
  it.each([
    ["nothing", [], /^medinfer: 6 rows/],
    ["lines of text, also where a bar is asked for", ["--progress", "bar"], /^6 of 6 rows, 1 failed, [\d.]+ rows\/s\n/],
    ["lines of text with --progress plain", ["--progress", "plain"], /^6 of 6 rows, 1 failed, [\d.]+ rows\/s\n/],
    ["nothing with --progress none", ["--progress", "none"], /^medinfer: 6 rows/],
  ])("is %s", async (_name, args, expected) => {
    const { status, stdout, stderr } = await run(annotate(...args), { env: { TERM: "xterm", FORCE_COLOR: "1" } });
    expect({ status, stdout }).toEqual({ status: 3, stdout: "" });
    expect(stderr).toMatch(expected);
    expect(stderr).toMatch(summary);
    expect(stderr).not.toContain(ESC);
    expect(stderr).not.toContain("\r");
    expect(stderr).not.toContain("Johanna");
  });
});
