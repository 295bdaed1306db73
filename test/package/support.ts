import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, rmSync } from "node:fs";
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

/** Packs the package as it would be published, and returns the tarball's path. */
export function packInto(folder: string): string {
  const prebuilds = path.join(repository, "prebuilds");
  // Without a prebuilt addon for every CPU, one for this CPU serves: it takes the same path.
  const made = !existsSync(prebuilds);
  if (made) execFileSync(process.execPath, ["scripts/prebuild.mjs", "--native"], { cwd: repository, stdio: "ignore" });
  try {
    npm(repository, ["pack", "--pack-destination", folder]);
  } finally {
    if (made) rmSync(prebuilds, { recursive: true, force: true });
  }
  const [file] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  if (!file) throw new Error("npm pack made no tarball");
  return path.join(folder, file);
}
