// npm run fuzz:openapi -- [--minutes N] [--seed S]
//
// Starts the server on the embedded model and has schemathesis (from PyPI, into out/clients) draw requests of its OpenAPI
// document, valid ones and others, for so long. No answer may be of status 500 or more, none may be of another form than the document
// says, no error may repeat what was sent, and the server has to live on.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import path from "node:path";
import { parseArgs } from "node:util";

import { pythonSet } from "../../../packages/server/test/clients/install.mjs";
import { fromRoot } from "../../support/paths.mjs";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, seed: { type: "string", default: "1" } },
});
const scratch = fromRoot("out", "fuzz", "openapi");
mkdirSync(scratch, { recursive: true });
const python = pythonSet("schemathesis", ["schemathesis==4.32.5"]);
// Files and batches as well; a run begins with none.
const files = path.join(scratch, "files");
rmSync(files, { recursive: true, force: true });
const program = fromRoot("packages", "cli", "bin", "medinfer.js");
const server = spawn(process.execPath, [program, "serve", "--port", "0", "--files-folder", files], {
  stdio: ["ignore", "ignore", "pipe"],
});
const url = await new Promise((resolve, reject) => {
  server.once("exit", () => reject(new Error("the server ended while it started")));
  createInterface({ input: server.stderr }).on("line", (line) => {
    const [, found] = /listening on (\S+)/.exec(line) ?? [];
    if (found !== undefined) resolve(found);
    else if (!line.includes("ready")) console.error(line);
  });
});

const checks = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
];
const deadline = Date.now() + 60_000 * Number(values.minutes);
let failed = false;
/** A run draws so many examples of every operation; another seed draws others. */
for (let seed = Number(values.seed); Date.now() < deadline && !failed; seed++) {
  const args = ["run", `${url}/openapi.json`, "--seed", String(seed), "--max-examples", "100", "--workers", "2"];
  args.push("--checks", [...checks, "no_echo"].join(","), "--generation-database", "none", "--request-timeout", "60");
  // It tells what failed at the end of its own time alone.
  args.push("--max-time", String(Math.max(5, Math.ceil((deadline - Date.now()) / 1000))));
  args.push("--phases", "examples,coverage,fuzzing");
  // It keeps a cache in the folder where it runs.
  const env = { ...process.env, PYTHONPATH: import.meta.dirname, SCHEMATHESIS_HOOKS: "hooks" };
  const child = spawn(path.join(path.dirname(python), "schemathesis"), args, { env, cwd: scratch, stdio: "inherit" });
  const [status, signal] = await once(child, "exit");
  failed = status !== 0;
  console.error(`seed ${seed}: ${signal ?? `status ${status}`}`);
}
const alive = server.exitCode === null && (await fetch(`${url}/health/live`).then((response) => response.ok));
if (!alive) console.error("the server does not answer any more");
server.kill("SIGTERM");
process.exitCode = failed || !alive ? 1 : 0;
