import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
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

/** The folder where they are asked to complete: what is in it is told from what the program suggests. */
const shellFolder = path.join(folder, "shells");
const commandFolder = path.join(folder, "bin");
mkdirSync(shellFolder);
mkdirSync(commandFolder);
writeFileSync(path.join(shellFolder, "report.gguf"), "");
writeFileSync(
  path.join(commandFolder, "medinfer"),
  `#!/bin/sh\nexec "${process.execPath}" --no-warnings "${program}" "$@"\n`,
  { mode: 0o755 },
);

/** What a script prints in a shell. */
const inShell = (shell: string, args: readonly string[]) =>
  execFileSync(shell, args, {
    cwd: shellFolder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 60_000,
    env: { ...process.env, PATH: `${commandFolder}:${process.env.PATH}`, HOME: folder, ZDOTDIR: folder, TERM: "xterm" },
  });

/** CI installs the shells: there, one that is missing is a failure. */
const skipped = (shell: string) => {
  const isMissing = spawnSync(shell, ["--version"]).status !== 0;
  return isMissing && !process.env.CI;
};

const titleOf = (shell: string) => (skipped(shell) ? `${shell} (skipped: it is not installed)` : shell);

/** What every shell does, with what stands where Tab is pressed. */
const inEvery: [string, string, string][] = [
  ["a command", "medinfer annot", "annotate"],
  ["a flag", "medinfer annotate --n-pre", "--n-predict"],
  ["a flag's value", "medinfer annotate --progress pl", "plain"],
  ["a file, where nothing is suggested", "medinfer inspect rep", "report.gguf"],
];

describe.skipIf(skipped("zsh"))(titleOf("zsh"), () => {
  /** What the line becomes in an interactive zsh when Tab is pressed behind it, and what is shown meanwhile. */
  const tab = (line: string): { line: string | undefined; shown: string } => {
    const rc = [
      "PS1='> '",
      "autoload -Uz compinit; compinit -u -D",
      "source <(medinfer completion zsh)",
      'tell() { zle -I; print -r -- "DONE:$BUFFER:"; BUFFER= }',
      "zle -N tell; bindkey '^X' tell",
    ];
    writeFileSync(path.join(folder, ".zshrc"), rc.join("\n"));
    // Its own pseudo-terminal. Keys are read one by one: the second waits for what the first does.
    const script = [
      "zmodload zsh/zpty",
      "zpty z 'zsh -d -i'",
      "zpty -n -w z \"$1\"$'\\t\\x18'",
      "while zpty -r z shown; do print -r -- $shown; [[ $shown == *DONE:* ]] && break; done",
      "zpty -d z",
    ];
    const shown = inShell("zsh", ["-f", "-c", script.join("\n"), "zsh", line]);
    return { line: /DONE:(.*):/.exec(shown)?.[1], shown };
  };

  it.each(inEvery)("completes %s", (_name, line, completed) => {
    expect(tab(line).line).toBe(`${line.slice(0, line.lastIndexOf(" "))} ${completed} `);
  });

  it("lists what there is to choose from, with what it means", () => {
    const flags = tab("medinfer annotate --prompt").shown;
    expect(flags).toMatch(/--prompt +-- what is asked of every page/);
    // A colon, which zsh's lists use, is one like others.
    expect(tab("medinfer annotate --m").shown).toContain("projector; default: th");
    const values = tab("medinfer annotate --progress ").shown;
    for (const value of ["auto", "bar", "plain", "none"]) expect(values).toContain(value);
    // No mark of a description where there is none, and no file beside the values.
    expect(values).not.toMatch(/bar +--|none +--|report/);
  });

  it("evaluates nothing of what was typed", () => {
    const file = path.join(folder, "touched-zsh");
    const begin = `medinfer chat "$(touch ${file})" 'it'"'"'s' `;
    expect(tab(`${begin}--temperat`).line).toBe(`${begin}--temperature `);
    expect(existsSync(file)).toBe(false);
  });
});

describe.skipIf(skipped("fish"))(titleOf("fish"), () => {
  /** What a fish offers behind the line, which is the last word's other forms. */
  const tab = (line: string): string[] => {
    // Twice, as where it is installed and a config sources it.
    const source = "source (medinfer completion fish | psub)";
    const script = `${source}; ${source}; complete -C $argv[1]`;
    return inShell("fish", ["--no-config", "-c", script, line]).trimEnd().split("\n");
  };

  it.each(inEvery)("completes %s", (_name, line, completed) => {
    expect(tab(line).map((each) => each.split("\t")[0])).toEqual([completed]);
  });

  it("lists what there is to choose from, with what it means", () => {
    expect(tab("medinfer annotate --prompt")).toEqual([
      "--prompt\twhat is asked of every page",
      "--prompt-file\tthe same, from a file; - is stdin",
    ]);
    // No file beside the values.
    expect(tab("medinfer annotate --progress ").sort()).toEqual(["auto", "bar", "none", "plain"]);
  });

  it("evaluates nothing of what was typed", () => {
    const file = path.join(folder, "touched-fish");
    expect(tab(`medinfer chat "$(touch ${file})" (touch ${file}) --temperat`)[0]).toMatch(/^--temperature\t/);
    expect(existsSync(file)).toBe(false);
  });
});

it("there is no script for other shells", async () => {
  expect((await run(["completion", "tcsh"])).status).toBe(2);
});
