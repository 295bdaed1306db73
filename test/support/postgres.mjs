/** A PostgreSQL server of the test's own, in a temporary folder, as Debian's package postgresql-15 (or newer) has it. */
import { execFile, execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The folder of initdb and pg_ctl. @throws Error where there is none, with what to install */
function binaries() {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => `${debian}/${version}/bin`), ...(process.env.PATH ?? "").split(":")];
  const found = folders.find(
    (folder) => existsSync(path.join(folder, "initdb")) && existsSync(path.join(folder, "pg_ctl")),
  );
  if (found !== undefined) return found;
  throw new Error("PostgreSQL is not installed: apt-get install postgresql (Debian), for initdb and pg_ctl");
}

/** Root may not run it: an account without rights does. */
function account() {
  if (process.getuid?.() !== 0) return { ids: undefined, as: (program, args) => [program, args] };
  const id = (...args) => execFileSync("id", args, { encoding: "utf8" }).trim();
  const [uid, gid] = [id("-u", "nobody"), id("-g", "nobody")];
  const as = (program, args) => ["setpriv", [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", program, ...args]];
  return { ids: [Number(uid), Number(gid)], as };
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** A server that runs; made by {@link startPostgres}. */
class Postgres {
  #bin;
  #as;
  #folder;
  #port;

  constructor(bin, as, folder, port) {
    this.#bin = bin;
    this.#as = as;
    this.#folder = folder;
    this.#port = port;
  }

  /** @param {string} database @param {string} credentials e.g. `name:password@` */
  url(database = "postgres", credentials = "medinfer@") {
    return `postgres://${credentials}127.0.0.1:${this.#port}/${database}`;
  }

  async start() {
    const settings = `-k ${this.#folder} -p ${this.#port} -c listen_addresses=127.0.0.1 -c max_connections=60`;
    await this.#pgCtl("-w", "-o", settings, "-l", path.join(this.#folder, "log"), "start");
  }

  /** @param {"fast" | "immediate"} mode immediate: as a crash, with a recovery at the next start */
  async stop(mode = "fast") {
    await this.#pgCtl("-w", "-m", mode, "stop");
  }

  async remove() {
    await this.stop("immediate").catch(() => {});
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #pgCtl(...args) {
    const data = path.join(this.#folder, "data");
    // Its output goes nowhere: a server that keeps a pipe of ours open would keep us waiting.
    const [program, given] = this.#as(path.join(this.#bin, "pg_ctl"), ["-D", data, "-s", ...args]);
    await new Promise((resolve, reject) => {
      execFile(program, given, { stdio: "ignore", timeout: 60_000 }, (error) =>
        error ? reject(error) : resolve(),
      ).unref();
    });
  }
}

/** @returns {Promise<Postgres>} to be removed by who started it */
export async function startPostgres() {
  const bin = binaries();
  const { ids, as } = account();
  const folder = mkdtempSync(path.join(tmpdir(), "medinfer-pg-"));
  if (ids !== undefined) chownSync(folder, ...ids);
  mkdirSync(path.join(folder, "data"), { mode: 0o700 });
  if (ids !== undefined) chownSync(path.join(folder, "data"), ...ids);
  const [program, args] = as(path.join(bin, "initdb"), [
    "-D",
    path.join(folder, "data"),
    "-U",
    "medinfer",
    "-A",
    "trust",
    "-E",
    "UTF8",
    "--no-sync",
  ]);
  await run(program, args, { cwd: "/" });
  const server = new Postgres(bin, as, folder, await freePort());
  await server.start();
  return server;
}
