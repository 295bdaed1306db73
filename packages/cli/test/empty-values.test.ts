/** Empty values: a variable of a shell that is not set is an error that says so, for every flag that takes a value. */
import { writeFileSync } from "node:fs";
import path from "node:path";

import { CommanderError, type Command, type Option } from "commander";
import { describe, expect, it } from "vitest";

import { makeProgram } from "../src/program.js";
import { printed, run, temporaryFolder } from "./support.js";

const folder = temporaryFolder();
const mayBeEmpty = ["--system", "--input-prefix", "--input-suffix"];

const takesValue = (option: Option) => !option.isBoolean() && !option.negate;
/** Of every command, and of those within them. */
const commandsIn = (command: Command): Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(commandsIn);
const nameOf = (command: Command): string[] =>
  command.parent === null ? [] : [...nameOf(command.parent), command.name()];

const commands = commandsIn(makeProgram()).filter((command) => !nameOf(command).includes("completion"));
const flags = commands.flatMap((command) =>
  command.options
    .filter((option) => takesValue(option) && !mayBeEmpty.includes(option.long!))
    .map((option): [string, string, string[]] => {
      const args = command.registeredArguments.filter((each) => each.required).map(() => "x");
      return [nameOf(command).join(" "), option.long!, [...nameOf(command), option.long!, "", ...args]];
    }),
);

/** The program in this process: there are hundreds of flags. @returns what it writes to stderr, and what it ends with */
async function inProcess(args: readonly string[]): Promise<{ error: unknown; stderr: string }> {
  const { write } = process.stderr;
  let stderr = "";
  process.stderr.write = (text: string | Uint8Array) => {
    stderr += text.toString();
    return true;
  };
  try {
    const error = await makeProgram()
      .parseAsync(args, { from: "user" })
      .catch((each: unknown) => each);
    return { error, stderr };
  } finally {
    process.stderr.write = write;
  }
}

it("there are flags of all commands", () => {
  expect(flags.length).toBeGreaterThan(150);
  expect(new Set(flags.map(([command]) => command))).toContain("keys add");
});

it.each(flags)("%s %s is refused", async (_command, _flag, args) => {
  const { error, stderr } = await inProcess(args);
  expect(stderr).toMatch(/^medinfer: [^\n]+\n$/);
  // Numbers and names have their own words for it.
  expect(stderr).toMatch(/has an empty value: give one, or leave it out|: It has to be |Allowed choices are/);
  expect(error).toBeInstanceOf(CommanderError);
});

describe("in a process of its own", () => {
  it.each([
    [["demo", "--prompt", ""], "option '--prompt <text>' has an empty value: give one, or leave it out"],
    [["annotate", "x.png", "--prompt", ""], "option '--prompt <text>' has an empty value"],
    [["chat", "--url", "", "x"], "option '--url <url>' has an empty value"],
    [["--config", "", "devices"], "option '--config <file>' has an empty value"],
    [["devices", "--config="], "option '--config <file>' has an empty value"],
    [
      ["complete", "--stop-strings", "a", "--stop-strings", "", "x"],
      "option '--stop-strings <value>' has an empty value",
    ],
    [["chat", ""], "argument 'message' is empty"],
    [["complete", ""], "argument 'text' is empty"],
    [["annotate", "a.png", "", "--prompt", "x"], "argument 'documents' is empty"],
    [["inspect", ""], "argument 'file' is empty"],
    [["keys", "add", "keys.json", ""], "argument 'name' is empty"],
  ])("%j is wrong usage", async (args, message) => {
    const { status, stdout, stderr } = await run(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^medinfer: [^\n]+\n$/);
    expect(stderr).toContain(message);
  });

  it("a config file's are refused with their place", async () => {
    const config = path.join(folder, "medinfer.config.json");
    for (const model of ["", ["a", ""]]) {
      writeFileSync(config, JSON.stringify({ serve: { model } }));
      const { status, stderr } = await run(["--config", config, "devices"]);
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: expect.stringMatching(/^medinfer: INVALID_ARGUMENT: .*: serve\.model is empty: give a value/),
      });
    }
  });

  it("says something where there may be none, and is nothing in the environment", async () => {
    const short = ["--n-predict", "3", "--temperature", "0"];
    expect(await printed(["tokenize", "--count", ""])).toBe("0\n");
    const env = { MEDINFER_URL: "", MEDINFER_CONFIG: "" };
    const { status } = await run(["chat", "--system", "", ...short, "What is gout?"], { env });
    expect(status).toBe(0);
    const affixes = ["--input-prefix", "", "--input-suffix", ""];
    // The library's to take or to leave.
    const infill = await run(["complete", ...affixes, ...short, "Gout is"]);
    expect(infill.stderr).toContain("inputPrefix needs a model with tokens for a prefix");
  });
});
