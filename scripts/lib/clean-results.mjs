// Which files a checker has found nothing in, by all that it looked at: what did not change is not checked again, in no
// clone. As with ccache: only the user's own cache folder, only what was clean, and nothing older than a month.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/** Where results are kept without MEDINFER_LINT_CACHE, which names another folder; empty: none are. */
function defaultFolder() {
  const chosen = process.env.MEDINFER_LINT_CACHE;
  if (chosen !== undefined) return chosen;
  return path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "medinfer", "lint");
}

const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest("hex");
};

export class CleanResults {
  #root;
  #common;
  #folder;
  #commands;
  /** @type {Map<string, string>} path -> hash of its content */
  #contents = new Map();

  /**
   * @param {object} about
   * @param {string} about.root of the checkout; stands for itself in paths, so that clones share results
   * @param {string[]} about.common what every result depends on: the tool's version, its settings and arguments
   * @param {{ file: string, directory: string, command: string }[]} about.commands of the compilation database
   * @param {string} [about.folder]
   */
  constructor({ root, common, commands, folder = defaultFolder() }) {
    this.#root = root;
    this.#common = common;
    this.#folder = folder;
    this.#commands = new Map(commands.map((entry) => [entry.file, entry]));
    if (folder === "") return;
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder)) {
      const file = path.join(folder, name);
      if (Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0) > KEPT_MS)
        rmSync(file, { force: true });
    }
  }

  /**
   * Names all that the checker sees of a file: it and every header, by content, and how it is compiled.
   *
   * @param {string} file absolute
   * @returns {Promise<string | undefined>} undefined: not known, or nothing is kept
   */
  async keyOf(file) {
    const compiled = this.#commands.get(file);
    if (compiled === undefined || this.#folder === "") return undefined;
    const command = compiled.command.replace(/ -o \S+/, "").replace(" -c ", " -M ");
    const run = promisify(execFile);
    const rule = await run("/bin/sh", ["-c", command], { cwd: compiled.directory, maxBuffer: 1 << 26 }).catch(
      () => undefined, // does not compile: the checker says why
    );
    if (rule === undefined) return undefined;
    const files = rule.stdout
      .slice(rule.stdout.indexOf(":") + 1)
      .replaceAll("\\\n", " ")
      .split(/\s+/)
      .filter(Boolean)
      .map((each) => path.resolve(compiled.directory, each));
    return sha256(
      ...this.#common,
      command.replaceAll(this.#root, ""),
      ...files.map((each) => `${each.replace(this.#root, "")} ${this.#contentOf(each)}`),
    );
  }

  /** @param {string | undefined} key */
  has(key) {
    if (key === undefined || !existsSync(path.join(this.#folder, key))) return false;
    utimesSync(path.join(this.#folder, key), new Date(), new Date());
    return true;
  }

  /** @param {string | undefined} key of what was found clean */
  add(key) {
    if (key !== undefined) writeFileSync(path.join(this.#folder, key), "");
  }

  #contentOf(file) {
    let hash = this.#contents.get(file);
    if (hash === undefined) {
      hash = sha256(readFileSync(file));
      this.#contents.set(file, hash);
    }
    return hash;
  }
}
