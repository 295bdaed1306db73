/** The real program at a real terminal: `script` of util-linux opens a pseudo-terminal for it. */
import { spawn, spawnSync } from "node:child_process";
import { tmpdir } from "node:os";

import { withoutCpuWarning } from "../../../test/support/node-arguments.mjs";
import { program } from "./support.js";

/** Other systems' `script` has other flags. */
export const hasTerminal =
  process.platform === "linux" &&
  spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes("util-linux");

export interface AtTerminal {
  status: number | null;
  /** What the terminal was sent, stdout and stderr as they came. */
  shown: string;
}

export interface TerminalSettings {
  /** Added to the environment; undefined: taken out of it. */
  env?: Readonly<Record<string, string | undefined>>;
  columns?: number;
  /** Is told what was shown so far, whenever there is more. @returns keys to press */
  onShown?: (shown: string) => string | undefined;
}

/** @param args what stands behind `medinfer`; each in single quotes for a shell */
export function runAtTerminal(
  args: readonly string[],
  { env = {}, columns = 100, onShown = () => undefined }: TerminalSettings = {},
): Promise<AtTerminal> {
  const words = [process.execPath, withoutCpuWarning, program, ...args].map((word) => `'${word}'`).join(" ");
  return new Promise((resolve, reject) => {
    const child = spawn(
      "script",
      ["--quiet", "--return", "--command", `stty cols ${columns}; exec ${words}`, "/dev/null"],
      {
        cwd: tmpdir(),
        timeout: 60_000,
        env: { ...process.env, TERM: "xterm", SHELL: "/bin/sh", NO_COLOR: undefined, ...env },
      },
    );
    let shown = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      shown += text;
      const keys = onShown(shown);
      if (keys !== undefined) child.stdin.write(keys);
    });
    child.on("error", reject);
    // Its stdin stays open: at its end a terminal is sent Ctrl-D.
    child.on("close", (status) => {
      child.stdin.destroy();
      resolve({ status, shown });
    });
  });
}
