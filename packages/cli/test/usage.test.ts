/** Help, wrong usage, and output that nobody reads to its end. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { vocabularyFile } from "../../../test/support/random-model.mjs";
import { embeddedModel, printed, run } from "./support.js";

const commands = [
  "devices",
  "inspect",
  "template",
  "tokenize",
  "demo",
  "chat",
  "complete",
  "annotate",
  "models",
  "bench",
  "worker",
  "status",
  "retry",
  "export",
];
const { version } = JSON.parse(readFileSync(fromRoot("packages", "cli", "package.json"), "utf8")) as {
  version: string;
};

describe("the program", () => {
  it("is found by its name after npm install", () => {
    const linked = fromRoot("node_modules", ".bin", "medinfer");
    expect(execFileSync(linked, ["--version"], { encoding: "utf8" })).toBe(`${version}\n`);
  });

  it("shows its commands and its version", async () => {
    const help = await printed(["--help"]);
    for (const command of commands) expect(help).toMatch(new RegExp(`^  ${command} `, "m"));
    expect(await printed(["--version"])).toBe(`${version}\n`);
    expect(await printed(["help"])).toBe(help);
  });

  it.each(commands)("shows the options of %s", async (command) => {
    const help = await printed([command, "--help"]);
    expect(help).toMatch(new RegExp(`^Usage: medinfer ${command} `));
    expect(help).toContain({ demo: "--image", worker: "--queue" }[command] ?? "--json");
  });
});

describe("wrong usage ends with status 2, and one line on stderr for", () => {
  const cases: [string, string[], RegExp][] = [
    ["an unknown command", ["inspekt"], /unknown command 'inspekt' \(Did you mean inspect\?\)/],
    ["an unknown option", ["devices", "--jsn"], /unknown option '--jsn' \(Did you mean --json\?\)/],
    ["a missing argument", ["inspect"], /missing required argument 'file'/],
    ["an argument too many", ["devices", "all"], /too many arguments/],
    ["an option without its value", ["tokenize", "--model"], /'--model <file>' argument missing/],
    ["two templates", ["template", "--name", "chatml", "--jinja", "x"], /cannot be used with option/],
    ["two texts", ["tokenize", "one", "--file", "two"], /leave one of them out/],
    ["a value without a name", ["template", "--set", "Johanna"], /--set takes a name and a value/],
  ];
  it.each(cases)("%s", async (_name, args, message) => {
    const { status, stdout, stderr } = await run(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^medinfer: [^\n]+\n$/);
    expect(stderr).toMatch(message);
  });

  it("no command at all: the help", async () => {
    const { status, stdout, stderr } = await run([]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toBe(await printed(["--help"]));
  });

  it.each([
    ["an option", ["tokenize", "-Johanna has a fever"]],
    ["a command", ["Johanna has a fever"]],
    ["a value", ["template", "--set", "Johanna has a fever"]],
  ])("a text that is taken for %s, which is not shown", async (_name, args) => {
    const { status, stderr } = await run(args);
    expect(status).toBe(2);
    expect(stderr).not.toContain("Johanna");
  });
});

describe("a reader that goes away early ends the program quietly", () => {
  it.each([
    ["inspect", ["inspect", "--json", vocabularyFile("llama-bpe")]],
    ["tokenize", ["tokenize", "--file", fromRoot("README.md")]],
    ["template", ["template", "--name", "chatml"]],
    ["demo", ["demo"]],
  ])("of %s", async (name, args) => {
    const text = "What is gout? ".repeat(100_000);
    const input = name === "template" ? JSON.stringify([{ role: "user", content: text }]) : "";
    const { status, stdout, stderr } = await run(args, { input, closeAfter: 1 });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout.length).toBeGreaterThan(0);
  });
});

it("says in one line what failed, with the code and what to do", async () => {
  for (const args of [
    ["inspect", "missing.gguf"],
    ["tokenize", "--model", "missing.gguf", "x"],
    ["demo", "--model", "missing.gguf"],
  ]) {
    const { status, stdout, stderr } = await run(args);
    expect({ status, stdout }, args.join(" ")).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^medinfer: MODEL_NOT_FOUND: [^\n]*missing\.gguf[^\n]*\n$/);
  }
  const { status, stderr } = await run(["template", "--model", embeddedModel, "missing.json"]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^medinfer: INVALID_ARGUMENT: missing\.json: there is no such file: check the path\n$/);
});
