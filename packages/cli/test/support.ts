/** Runs the real program, as a shell would. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll } from "vitest";

import { withoutCpuWarning } from "../../../test/support/node-arguments.mjs";
import { fromRoot } from "../../../test/support/paths.mjs";

export const program = fromRoot("packages", "cli", "bin", "medinfer.js");
export const embeddedModel = fromRoot("models", "medinfer-tiny.gguf");

export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface RunSettings {
  /** Null: stdin stays open, for `onStart` to write to. */
  input?: string | Uint8Array | null;
  closeAfter?: number;
  env?: Readonly<Record<string, string>>;
  onStart?: (child: ChildProcessWithoutNullStreams) => void;
}

/**
 * @param args what stands behind `medinfer`
 * @param settings.input what comes through stdin, which then ends
 * @param settings.closeAfter closes the reading end of stdout after so many bytes, as `| head` does
 * @param settings.env added to the environment
 * @param settings.onStart is given the process, e.g. to send it signals
 */
export function run(
  args: readonly string[],
  { input = "", closeAfter = Infinity, env = {}, onStart = () => {} }: RunSettings = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    // In a folder where nothing is found by chance.
    const child = spawn(process.execPath, [withoutCpuWarning, program, ...args], {
      cwd: tmpdir(),
      timeout: 60_000,
      env: { ...process.env, ...env },
    });
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    let read = 0;
    child.stdout.on("data", (data: Buffer) => {
      out.push(data);
      read += data.length;
      if (read >= closeAfter) child.stdout.destroy();
    });
    child.stderr.on("data", (data: Buffer) => errors.push(data));
    child.on("error", reject);
    child.on("close", (status) => {
      resolve({ status, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(errors).toString() });
    });
    child.stdin.on("error", () => {}); // a command that does not read
    onStart(child);
    if (input !== null) child.stdin.end(input);
  });
}

/** What a command prints that has nothing to complain about. */
export async function printed(args: readonly string[], input: string | Uint8Array = ""): Promise<string> {
  const { status, stdout, stderr } = await run(args, { input });
  if (status !== 0 || stderr !== "") throw new Error(`status ${status}, and on stderr: ${stderr}`);
  return stdout;
}

export async function printedJson(args: readonly string[], input: string | Uint8Array = ""): Promise<unknown> {
  return JSON.parse(await printed(args, input)) as unknown;
}

/** A folder that goes when the tests of the file end. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "medinfer-cli-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
