/** The README's examples, as a shell runs them. */
import { spawn } from "node:child_process";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";

import { expect, it } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { running } from "./server.js";
import { printed, program, temporaryFolder } from "./support.js";

const readme = readFileSync(fromRoot("packages", "cli", "README.md"), "utf8");
const { url } = running();

/** A folder like a clone's, with the files that the examples name. */
const folder = temporaryFolder();
symlinkSync(fromRoot("examples"), path.join(folder, "examples"));
symlinkSync(fromRoot("models"), path.join(folder, "models"));
writeFileSync(path.join(folder, "template.jinja"), "{{ messages[0].content }}{{ enable_thinking }}");

/** What needs files that are nobody's, or stands for the way in. */
const elsewhere = /npm install|npx medinfer|all-MiniLM|medinfer serve|^#|^$/;

const blocks = [...readme.matchAll(/```sh\n([^]*?)```/g)].map(([, text]) => text!.trimEnd().split("\n"));
const lines = blocks.flat().filter((line) => !elsewhere.test(line));

it("has examples of most commands", () => {
  for (const name of [
    "chat",
    "complete",
    "annotate",
    "worker",
    "status",
    "retry",
    "export",
    "models",
    "inspect",
    "template",
    "tokenize",
    "bench",
    "completion",
  ]) {
    expect(
      lines.some((line) => line.includes(`medinfer ${name} `)),
      name,
    ).toBe(true);
  }
});

it.each(lines.map((line) => [line]))("%s", async (line) => {
  // Without jq the JSON has to be there all the same.
  const command = line.replace("http://127.0.0.1:8080", url()).replace(/ \| jq .*/, "");
  const script = `set -eo pipefail; medinfer() { "${process.execPath}" --no-warnings "${program}" "$@"; }; ${command}`;
  const { status, output } = await new Promise<{ status: number | null; output: string }>((resolve, reject) => {
    const child = spawn("bash", ["--norc", "-c", script], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => chunks.push(data));
    child.on("error", reject);
    child.on("close", (code) => resolve({ status: code, output: Buffer.concat(chunks).toString() }));
  });
  expect({ status, output }).toEqual({ status: 0, output: expect.any(String) });
  if (!/^(echo .* > |source )/.test(line)) expect(output).not.toBe("");
});

it("lists every command, and the lines of a chat that there are", async () => {
  const help = await printed(["--help"]);
  for (const [, name] of help.matchAll(/^ {2}([a-z]+) \[?/gm)) {
    if (name !== "help" && name !== "medinfer") expect(readme).toContain(`| \`medinfer ${name}`);
  }
});
