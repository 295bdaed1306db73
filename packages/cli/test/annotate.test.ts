import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

import { Engine } from "medinfer";
import { describe, expect, it } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { zombie } from "../../../test/support/zombie.mjs";
import { printed, printedJson, run, temporaryFolder, type Outcome } from "./support.js";

const folder = temporaryFolder();
const prescriptions = [0, 1, 2, 3].map((n) => fromRoot("examples", "prescriptions", `0000${n}.png`));
const small = readFileSync(fromRoot("test", "fixtures", "images", "rgb.png"));
const webp = fromRoot("test", "fixtures", "images", "refused.webp");
const greedy = ["--temperature", "0", "--n-threads", "1"];
const prompt = ["--prompt", "Which drugs are on it?"];

interface Row {
  id: string;
  file: string;
  text: string;
  parsed: unknown;
  finishReason: string | null;
  usage: { promptTokens: number; completionTokens: number } | null;
  error: { code: string; message: string } | null;
}

const rowsIn = (text: string): Row[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Row);
const rowsOf = (file: string) => rowsIn(readFileSync(file, "utf8"));
const annotate = (...args: string[]): Promise<Outcome> => run(["annotate", ...greedy, ...args]);

/** A picture with bytes of its own: what stands behind its end is no part of it. */
function picture(file: string, mark: string): string {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, Buffer.concat([small, Buffer.from(mark)]));
  return file;
}

let count = 0;
const table = () => path.join(folder, `rows-${count++}.jsonl`);

describe("a table of images", () => {
  it("has what the library says of each, in order", async () => {
    // What the model was trained on: other answers hang on the last digits of what shares their passes.
    const asJson = "Return the prescription as JSON.";
    const schema = fromRoot("models", "answer-schema.json");
    const out = table();
    const { status, stdout, stderr } = await annotate(
      ...prescriptions,
      "--prompt",
      asJson,
      "--json-schema",
      schema,
      "--out",
      out,
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
    expect(stderr).toMatch(/^medinfer: 4 rows: 4 written, 0 failed, in \d+ s\n$/);
    const rows = rowsOf(out);
    expect(rows.map(({ file }) => file)).toEqual(prescriptions);
    expect(statSync(out).mode & 0o777).toBe(0o600);
    const engine = await Engine.load({ nThreads: 1 });
    const options = {
      prompt: asJson,
      sampling: { temperature: 0 },
      jsonSchema: JSON.parse(readFileSync(schema, "utf8")),
    };
    let index = 0;
    for await (const { text, parsed, finishReason } of engine.annotate(
      prescriptions.map((image) => ({ image })),
      options,
    )) {
      expect(rows[index++]).toMatchObject({ text, parsed, finishReason, error: null });
    }
    await engine.close();
    expect(existsSync(`${out}.lock`)).toBe(false);
  });

  it("goes to stdout where no file is named", async () => {
    const rows = rowsIn(await printed(["annotate", ...greedy, ...prescriptions.slice(0, 2), ...prompt]));
    expect(rows.map(({ file }) => file)).toEqual(prescriptions.slice(0, 2));
  });

  it("has an error row for each image that cannot be read, and the status 3", async () => {
    const images = path.join(folder, "some");
    picture(path.join(images, "a.png"), "a");
    writeFileSync(path.join(images, "b.webp"), readFileSync(webp).subarray(0, 30));
    writeFileSync(path.join(images, "c.png"), "no picture");
    symlinkSync(path.join(folder, "nowhere"), path.join(images, "d.png"));
    picture(path.join(images, "e.png"), "e");
    const out = table();
    const args = [images, ...prompt, "--n-predict", "3", "--out", out, "--json"];
    const { status, stdout, stderr } = await annotate(...args);
    expect({ status, stderr }).toEqual({ status: 3, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ total: 5, skipped: 0, written: 5, failed: 3 });
    const codes = [null, "DOCUMENT_DECODE", "DOCUMENT_UNSUPPORTED", "IMAGE_NOT_FOUND", null];
    expect(rowsOf(out).map(({ error }) => error?.code ?? null)).toEqual(codes);
    // They are not asked again, and still told.
    const again = await annotate(...args);
    expect(again.status).toBe(3);
    expect(JSON.parse(again.stdout)).toMatchObject({ total: 5, skipped: 5, written: 0, failed: 3 });
  });

  it("takes folders with all that is in them, sorted, each file once", async () => {
    const images = path.join(folder, "tree");
    const names = ["B/1.png", "a/2.PNG", "a/b/1.png", "c.png"];
    for (const name of names) picture(path.join(images, name), name);
    picture(path.join(images, ".hidden", "x.png"), "x");
    writeFileSync(path.join(images, "a", "notes.txt"), "");
    symlinkSync(images, path.join(images, "a", "loop.png"));
    const { stdout, stderr } = await annotate(images, path.join(images, "c.png"), ...prompt, "--n-predict", "2");
    expect(rowsIn(stdout).map(({ file }) => path.relative(images, file))).toEqual(names);
    expect(stderr).toContain("1 files in the folders are left out");
  });

  it.each([
    ["nothing to ask", [prescriptions[0]!], 2, "--prompt or --prompt-file is needed"],
    ["a path that is not there", ["missing.png", ...prompt], 1, "IMAGE_NOT_FOUND: missing.png"],
    ["a model that is not there", [prescriptions[0]!, ...prompt, "--model", "missing.gguf"], 1, "MODEL_NOT_FOUND: "],
    [
      "--restart without a table",
      [prescriptions[0]!, ...prompt, "--restart"],
      2,
      "--restart, --retry-failed and --json need --out or --queue",
    ],
    ["--retry-failed without a table", [prescriptions[0]!, ...prompt, "--retry-failed"], 2, "need --out"],
    [
      "both --restart and --retry-failed",
      ["x.png", "--out", "x", "--restart", "--retry-failed"],
      2,
      "cannot be used with",
    ],
    ["a template that is none", [prescriptions[0]!, ...prompt, "--chat-template", "{% if"], 1, "INVALID_ARGUMENT: "],
  ])("is not begun with %s", async (_name, args, expected, message) => {
    const { status, stdout, stderr } = await annotate(...args);
    expect({ status, stdout }).toEqual({ status: expected, stdout: "" });
    expect(stderr).toMatch(/^medinfer: [^\n]*\n$/);
    expect(stderr).toContain(message);
  });

  it("shows how far it is, without a name", async () => {
    const args = [...prescriptions.slice(0, 2), ...prompt, "--n-predict", "2", "--progress", "plain", "--out", table()];
    const { stderr } = await annotate(...args);
    expect(stderr).toMatch(/^2 of 2 rows, [\d.]+ rows\/s\n/);
    expect(stderr).not.toContain("0000");
  });
});

describe("a table that is there already", () => {
  it("is gone on with: rows that are done stay as they are", async () => {
    const out = table();
    await annotate(...prescriptions.slice(0, 2), ...prompt, "--n-predict", "4", "--out", out);
    const before = readFileSync(out, "utf8");
    const { status, stderr } = await annotate(...prescriptions, ...prompt, "--n-predict", "4", "--out", out);
    expect(status).toBe(0);
    expect(stderr).toContain("4 rows: 2 written, 2 were there before, 0 failed");
    expect(readFileSync(out, "utf8").startsWith(before)).toBe(true);
    expect(rowsOf(out).map(({ file }) => file)).toEqual(prescriptions);
  });

  it("knows files by their bytes: a copy has a row of its own, a file that moved needs none", async () => {
    const images = path.join(folder, "copies");
    const first = picture(path.join(images, "1.png"), "same");
    const second = picture(path.join(images, "2.png"), "same");
    const moved = picture(path.join(folder, "elsewhere", "3.png"), "same");
    const out = table();
    const ask = (...files: string[]) => annotate(...files, ...prompt, "--n-predict", "2", "--out", out);
    await ask(first, second);
    const [one, two] = rowsOf(out);
    expect(two!.id).toBe(one!.id);
    await ask(first, moved);
    expect(rowsOf(out)).toHaveLength(2);
    await ask(first, second, moved);
    expect(rowsOf(out)).toHaveLength(3);
  });

  it.each([
    ["another prompt", ["--prompt", "What is this?", "--n-predict", "2"]],
    ["another option", [...prompt, "--n-predict", "3"]],
    ["another system message", [...prompt, "--n-predict", "2", "--system", "Be brief."]],
  ])("is refused with %s, and begun anew with --restart", async (_name, others) => {
    const out = table();
    const image = prescriptions[0]!;
    await annotate(image, ...prompt, "--n-predict", "2", "--out", out);
    const [before] = rowsOf(out);
    const refused = await annotate(image, ...others, "--out", out);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain("rows of another prompt, schema, model or other options");
    expect(rowsOf(out)).toEqual([before]);
    const { status } = await annotate(image, ...others, "--out", out, "--restart");
    expect(status).toBe(0);
    const [after, ...more] = rowsOf(out);
    expect(more).toEqual([]);
    expect(after!.id).not.toBe(before!.id);
  });

  it("is gone on with by other threads and sizes", async () => {
    const out = table();
    await annotate(prescriptions[0]!, ...prompt, "--n-predict", "2", "--out", out);
    const args = ["--n-ctx", "2048", "--batch-size", "2", "--concurrency", "3"];
    const { stderr } = await annotate(prescriptions[0]!, ...prompt, "--n-predict", "2", "--out", out, ...args);
    expect(stderr).toContain("0 written, 1 were there before");
  });

  it("loses the half line at its end, and nothing else", async () => {
    const out = table();
    const ask = () => annotate(...prescriptions.slice(0, 2), ...prompt, "--n-predict", "3", "--out", out);
    await ask();
    const whole = readFileSync(out, "utf8");
    const [first, second] = whole.split("\n");
    for (const length of [1, 5, 9, 60, second!.length]) {
      writeFileSync(out, `${first}\n${second!.slice(0, length)}`);
      const { status, stderr } = await ask();
      expect(status).toBe(0);
      expect(stderr).toContain("1 written, 1 were there before");
      expect(readFileSync(out, "utf8")).toBe(whole);
    }
  });

  it.each([
    ["no lines", "A letter to Johanna"],
    ["no rows", "Johanna,fever\n"],
    ["rows of another kind", '{"id":"Johanna"}\n'],
    ["a last line of another kind", ""],
  ])("of %s is left as it is", async (_name, content) => {
    const out = table();
    if (content === "") {
      await annotate(prescriptions[0]!, ...prompt, "--n-predict", "2", "--out", out);
      appendFileSync(out, "Johanna");
    } else writeFileSync(out, content);
    const before = readFileSync(out, "utf8");
    const { status, stderr } = await annotate(prescriptions[0]!, ...prompt, "--n-predict", "2", "--out", out);
    expect(status).toBe(1);
    expect(stderr).toContain("is no table of medinfer annotate");
    expect(stderr).not.toContain("Johanna");
    expect(readFileSync(out, "utf8")).toBe(before);
  });

  it("gives rows to files by name first, and then by bytes", async () => {
    const out = table();
    const images = path.join(folder, "namesakes");
    const ask = async () => {
      expect((await annotate(images, ...prompt, "--n-predict", "2", "--out", out)).status).toBe(0);
      return rowsOf(out).map(({ file }) => path.relative(images, file));
    };
    for (const name of ["b", "c"]) picture(path.join(images, `${name}.png`), name);
    expect(await ask()).toEqual(["b.png", "c.png"]);
    // A copy, that comes before what it is one of.
    picture(path.join(images, "a.png"), "b");
    expect(await ask()).toEqual(["b.png", "c.png", "a.png"]);
    // Moved: its row is known by its bytes.
    renameSync(path.join(images, "c.png"), path.join(images, "0.png"));
    expect(await ask()).toHaveLength(3);
  });

  it("is one process's at a time", async () => {
    const out = table();
    writeFileSync(`${out}.lock`, String(process.pid));
    const ask = () => annotate(prescriptions[0]!, ...prompt, "--n-predict", "2", "--out", out);
    const { status, stderr } = await ask();
    expect(status).toBe(1);
    expect(stderr).toContain("another process writes");
    // Of one that is gone.
    writeFileSync(`${out}.lock`, "999999999");
    expect((await ask()).status).toBe(0);
  });

  it.skipIf(process.platform !== "linux")(
    "is free when its process was killed, and nobody has asked how it ended",
    async () => {
      const out = table();
      const { pid, end } = await zombie();
      writeFileSync(`${out}.lock`, String(pid));
      const { status } = await annotate(prescriptions[0]!, ...prompt, "--n-predict", "2", "--out", out);
      end();
      expect(status).toBe(0);
    },
  );
});

describe("a run that ends early", () => {
  const files = 40;
  const images = path.join(folder, "many");
  const make = () => {
    for (let n = 0; n < files; n++) picture(path.join(images, String(n % 4), `${n}.png`), String(n));
  };

  it("has lost nothing when it is killed, at whatever moment, and ends with a row for each file", async () => {
    make();
    const out = table();
    const args = ["annotate", ...greedy, images, ...prompt, "--n-predict", "6", "--concurrency", "2", "--out", out];
    const size = () => (existsSync(out) ? statSync(out).size : 0);
    let killed = 0;
    let outcome: Outcome;
    let before = "";
    do {
      const begin = size();
      // At a random moment behind the first rows of this run; later on at any.
      const rows = killed < 5 ? Math.random() * 5 : 0;
      const delay = killed < 5 ? Math.random() * 30 : 100 + Math.random() * 1500;
      outcome = await run(args, {
        onStart(child) {
          if (killed >= 12) return;
          const kill = () => setTimeout(() => child.kill("SIGKILL"), delay);
          if (rows === 0) return void kill();
          const timer = setInterval(() => {
            if (size() - begin < rows * 200) return;
            clearInterval(timer);
            kill();
          }, 2);
          child.on("close", () => clearInterval(timer));
        },
      });
      if (outcome.status === null) killed++;
      // What was whole stays as it was.
      const text = existsSync(out) ? readFileSync(out, "utf8") : "";
      expect(text.startsWith(before)).toBe(true);
      before = text.slice(0, text.lastIndexOf("\n") + 1);
    } while (outcome.status === null);
    expect(outcome.status).toBe(0);
    expect(killed).toBeGreaterThanOrEqual(3);
    const rows = rowsOf(out);
    expect(new Set(rows.map(({ file }) => file)).size).toBe(files);
    expect(rows).toHaveLength(files);
    // As a run that nobody killed.
    const undisturbed = table();
    expect((await annotate(images, ...prompt, "--n-predict", "6", "--out", undisturbed)).status).toBe(0);
    expect(rows).toEqual(rowsOf(undisturbed));
  });

  it("ends with 130 at Ctrl-C, and goes on later", async () => {
    make();
    const out = table();
    const args = ["annotate", ...greedy, images, ...prompt, "--n-predict", "6", "--out", out, "--json"];
    const { status, stdout } = await run(args, {
      onStart(child) {
        const timer = setInterval(() => {
          if (!existsSync(out) || statSync(out).size === 0) return;
          clearInterval(timer);
          child.kill("SIGINT");
        }, 5);
        child.on("close", () => clearInterval(timer));
      },
    });
    expect({ status, stdout }).toEqual({ status: 130, stdout: "" });
    const done = rowsOf(out).length;
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(files);
    expect(await printedJson(args)).toMatchObject({ total: files, skipped: done, written: files - done });
  });
});
