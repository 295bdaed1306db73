#!/usr/bin/env bash
# deleteQueue() of pg-boss 10 fails for every queue that has a job, also where all of its jobs are completed.
#
# Versions:  pg-boss 10.4.2 (npm; the newest release for Node 20), here on @electric-sql/pglite 0.5.17; on PostgreSQL 15 it is the same.
# Expected:  The queue is removed, and its jobs with it, as its documentation says.
# Seen:      The call deletes the queue's row before it drops the table of its jobs, and that table's foreign key to the row is ON
#            DELETE RESTRICT, which is checked at once: it rejects with 23503 (foreign_key_violation; from PostgreSQL 18 on 23001,
#            restrict_violation), and queue and jobs stay. With the jobs deleted by SQL before, it works. purgeQueue() does not help: it leaves jobs that are active or completed.
# Matters:   Queues that are made for a time, as one for each batch, cannot be removed by its calls.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

npm install --prefix "$tmp" --silent --no-audit --no-fund --ignore-scripts pg-boss@10.4.2 @electric-sql/pglite@0.5.17 || exit 2

cat > "$tmp/run.cjs" <<'JS'
const PgBoss = require("pg-boss");
const { PGlite } = require("@electric-sql/pglite");

async function main() {
  const lite = await PGlite.create();
  const executeSql = async (text, values) => (values ? lite.query(text, values) : (await lite.exec(text)).at(-1));
  const boss = new PgBoss({ db: { executeSql }, supervise: false, schedule: false });
  boss.on("error", () => {});
  await boss.start();
  const tried = async (name) => {
    const code = await boss.deleteQueue(name).then(() => "deleted", (error) => error.code);
    return `${code}, ${(await boss.getQueue(name)) === null ? "gone" : "still there"}`;
  };
  const found = {};
  await boss.createQueue("empty");
  found["empty"] = await tried("empty");
  await boss.createQueue("waiting");
  await boss.send("waiting", {});
  found["with a job that waits"] = await tried("waiting");
  await boss.createQueue("completed");
  await boss.send("completed", {});
  const [job] = await boss.fetch("completed");
  await boss.complete("completed", job.id);
  found["with a job that is completed"] = await tried("completed");
  await boss.purgeQueue("completed");
  found["the same after purgeQueue()"] = await tried("completed");
  await lite.exec("DELETE FROM pgboss.job WHERE name = 'completed'");
  found["the same with its jobs deleted by SQL"] = await tried("completed");
  for (const [what, came] of Object.entries(found)) console.log(`pg-boss 10.4.2, a queue ${what}: ${came}`);
  const expected = ["deleted, gone", "23001, still there", "23001, still there", "23001, still there", "deleted, gone"];
  const described = Object.values(found).join() === expected.join();
  console.log(described ? "as described" : "CHANGED");
  process.exit(described ? 0 : 1);
}
main().catch((error) => {
  console.error(error);
  process.exit(2);
});
JS
node "$tmp/run.cjs"
