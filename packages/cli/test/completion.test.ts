import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, it } from "vitest";

import { printed, program, run, temporaryFolder } from "./support.js";

const folder = temporaryFolder();
const suggested = async (...words: string[]) =>
  (await printed(["completion", "suggest", "--", ...words]))
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split("\t")[0]);

describe("suggestions", () => {
  it.each([
    [["an"], ["annotate"]],
    [["c"], ["chat", "complete", "completion"]],
    [
      ["annotate", "--prom"],
      ["--prompt", "--prompt-file"],
    ],
    [
      ["annotate", "--progress", ""],
      ["auto", "bar", "plain", "none"],
    ],
    [["annotate", "--progress", "p"], ["plain"]],
    [
      ["chat", "--miro-stat", "V"],
      ["V1", "V2"],
    ],
    [
      ["completion", ""],
      ["bash", "zsh", "fish"],
    ],
    [["--config", "serve", "demo", "--prom"], ["--prompt"]],
    [["inspect", ""], []],
    [["chat", "--system", "an"], []],
    [["chat", "--", "--mo"], []],
  ])("for %j are %j", async (words, expected) => {
    expect(await suggested(...words)).toEqual(expected);
  });

  it("have all commands", async () => {
    const help = await printed(["--help"]);
    const commands = [...help.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);
    expect(await suggested("")).toEqual(commands.filter((name) => name !== "help" && name !== "medinfer"));
  });

  it("come whatever is wrong with a config file", async () => {
    const { stdout } = await run(["completion", "suggest", "--", "an"], { env: { MEDINFER_CONFIG: "missing.json" } });
    expect(stdout).toMatch(/^annotate\t/);
  });
});

describe("bash", () => {
  /** What Tab gives in a real bash. */
  const tab = (words: readonly string[]) => {
    const script = path.join(folder, "tab.bash");
    const quoted = words.map((word) => `'${word}'`).join(" ");
    const lines = [
      `medinfer() { "${process.execPath}" --no-warnings "${program}" "$@"; }`,
      "source <(medinfer completion bash)",
      "source <(medinfer completion bash)", // as a second .bashrc may
      `COMP_WORDS=(medinfer ${quoted}); COMP_CWORD=${words.length}`,
      '_medinfer; printf "%s\\n" "${COMPREPLY[@]}"; complete -p medinfer',
    ];
    writeFileSync(script, lines.join("\n"));
    return execFileSync("bash", ["--norc", script], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).split(
      "\n",
    );
  };

  it("completes, and files where nothing is suggested", () => {
    expect(tab(["annotate", "--progress", "b"])).toEqual([
      "bar",
      "complete -o bashdefault -o default -F _medinfer medinfer",
      "",
    ]);
  });

  it("evaluates nothing of what was typed", () => {
    const file = path.join(folder, "touched");
    expect(tab(["chat", `"$(touch ${file})"`, "--temp"])).toContain("--temperature");
    expect(existsSync(file)).toBe(false);
  });
});

it("there are scripts for zsh and fish", async () => {
  expect(await printed(["completion", "zsh"])).toMatch(/^#compdef medinfer\n/);
  expect(await printed(["completion", "fish"])).toContain("complete -c medinfer");
  expect((await run(["completion", "tcsh"])).status).toBe(2);
});
