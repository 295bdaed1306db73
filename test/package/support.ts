import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import path from "node:path";

export const repository = path.resolve(import.meta.dirname, "../..");

/** The program that a shell would run for this name. */
export function findOnPath(program: string): string {
  for (const folder of (process.env.PATH ?? "").split(path.delimiter)) {
    const file = path.join(folder, program);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // look further
    }
  }
  throw new Error(`${program} is not on PATH`);
}

/** Runs npm in a folder, without what the npm that runs these tests left in the environment. */
export function npm(folder: string, args: string[], extra: NodeJS.ProcessEnv = {}): string {
  const clean = Object.entries(process.env).filter(([name]) => !/^npm_(config|package|lifecycle)_/.test(name));
  const env = { ...Object.fromEntries(clean), ...extra };
  return execFileSync("npm", args, { cwd: folder, env, encoding: "utf8", stdio: "pipe" });
}
