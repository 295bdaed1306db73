#!/usr/bin/env bash
# PGlite in a folder never asks the system to bring its files to the disk, also where its PostgreSQL says fsync = on.
#
# Versions:  @electric-sql/pglite 0.5.17 (npm; PostgreSQL 18.7), on Node.
# Expected:  With a folder on disk, fsync = on and synchronous_commit = on, a commit that was answered has been synced, as PostgreSQL
#            promises; or the documentation says that it has not.
# Seen:      PGlite starts PostgreSQL with -F, which is fsync = off. Started with the same parameters without -F, `SHOW fsync` says
#            on, and still not one fsync or fdatasync of Node is called in 50 commits, a CHECKPOINT and close(): its file system over
#            Node's has no such operation, and what PostgreSQL asks for is answered with success. relaxedDurability is false.
# Matters:   What was committed survives an end of the process, because the system has it; a loss of power may take the last commits,
#            or leave files that do not go together. What must survive that belongs in a PostgreSQL server.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

npm install --prefix "$tmp" --silent --no-audit --no-fund --ignore-scripts @electric-sql/pglite@0.5.17 || exit 2

cat > "$tmp/run.cjs" <<'JS'
const fs = require("node:fs");
const promises = require("node:fs/promises");

const counts = { sync: 0, write: 0 };
const count = (on, name, as) => {
  const original = on[name];
  on[name] = (...args) => {
    counts[as] += 1;
    return original.apply(on, args);
  };
};
for (const name of ["fsync", "fsyncSync", "fdatasync", "fdatasyncSync"]) count(fs, name, "sync");
for (const name of ["write", "writeSync"]) count(fs, name, "write");
require("node:module").syncBuiltinESMExports();

async function main() {
  // That counting sees a sync at all.
  const probe = fs.openSync(`${__dirname}/probe`, "w");
  fs.fsyncSync(probe);
  fs.closeSync(probe);
  const seen = counts.sync;
  const { PGlite } = require("@electric-sql/pglite");
  const startParams = PGlite.defaultStartParams.filter((each) => each !== "-F");
  const byDefault = await PGlite.create({ dataDir: `${__dirname}/data` });
  const off = (await byDefault.query("SHOW fsync")).rows[0].fsync;
  await byDefault.close();
  counts.sync = counts.write = 0;
  const lite = await PGlite.create({ dataDir: `${__dirname}/data`, startParams, relaxedDurability: false });
  const on = (await lite.query("SHOW fsync")).rows[0].fsync;
  await lite.exec("CREATE TABLE results (id int primary key)");
  for (let i = 0; i < 50; i++) await lite.query("INSERT INTO results VALUES ($1)", [i]);
  await lite.exec("CHECKPOINT");
  await lite.close();
  console.log(`PGlite 0.5.17: by default fsync = ${off}; without -F fsync = ${on}, ${counts.write} writes, ${counts.sync} syncs`);
  const described = seen === 1 && off === "off" && on === "on" && counts.write > 50 && counts.sync === 0;
  console.log(described ? "as described" : "CHANGED");
  process.exitCode = described ? 0 : 1;
}
main().catch((error) => {
  console.error(error);
  process.exitCode = 2;
});
JS
node "$tmp/run.cjs"
