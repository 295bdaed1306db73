// One line of progress out of a build tool's many.
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";

import { Failure } from "./fail.mjs";

const shownOnFailure = 60;

/** Percent done, from Ninja's "[12/300] …" or make's "[  4%] …"; null for any other line. */
export function percentOf(line) {
  const steps = line.match(/^\[(\d+)\/(\d+)\]/);
  if (steps) return Math.floor((100 * Number(steps[1])) / Number(steps[2]));
  const percent = line.match(/^\[\s*(\d+)%\]/);
  return percent ? Number(percent[1]) : null;
}

/** What a build line is about: "quants.c" of "[1/9] Building C object a/b/quants.c.o". */
function subjectOf(line) {
  const name = line.split("/").pop().trim();
  return name.replace(/\.o(bj)?$/, "").slice(0, 40);
}

/**
 * Runs a build command. A terminal sees one line that counts; a pipe sees a line every 10 %.
 * Everything goes to logFile, and its end is shown where the command fails.
 */
export async function runWithProgress(label, command, args, { logFile, cwd, env = process.env }) {
  const started = Date.now();
  const log = createWriteStream(logFile, { flags: "a" });
  const recent = [];
  const terminal = process.stdout.isTTY && !process.env.CI;
  let shown = -1;

  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const onLine = (line) => {
    log.write(`${line}\n`);
    const percent = percentOf(line);
    if (percent === null) {
      recent.push(line);
      if (recent.length > shownOnFailure) recent.shift();
      return;
    }
    const text = `[${String(percent).padStart(3)}%] ${label}`;
    if (terminal) {
      process.stdout.write(`\r\x1b[K${text}: ${subjectOf(line)}`);
    } else if (percent >= shown + 10 || (percent === 100 && shown !== 100)) {
      shown = percent - (percent % 10);
      console.log(text);
    }
  };
  const readers = [child.stdout, child.stderr].map((input) => createInterface({ input }).on("line", onLine));
  const drained = Promise.all(readers.map((reader) => new Promise((resolve) => reader.on("close", resolve))));
  const status = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? signal));
  });
  await drained;
  await new Promise((resolve) => log.end(resolve));
  if (terminal) process.stdout.write("\r\x1b[K");
  if (status !== 0) {
    console.error(recent.join("\n"));
    throw new Failure(`${label} failed (${status}): the lines above say why, all of them are in ${logFile}`);
  }
  return (Date.now() - started) / 1000;
}
