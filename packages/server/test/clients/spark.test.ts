/** The module for Spark against real servers: its own tests, and many images with an executor killed in the midst. */
import { spawn, spawnSync } from "node:child_process";

import { expect, test } from "vitest";

import { fromRoot } from "../../../../test/support/paths.mjs";
import { pythonSet } from "./install.mjs";

const module = fromRoot("python", "medinfer_spark");
const packages = [
  "pyspark[ml,sql]==4.3.0",
  "numpy==2.4.6",
  "pandas==2.3.3", // PySpark 4.3 warns of pandas 3
  "pyarrow==26.0.1",
  "pytest==9.2.0",
];

/** Runs Python in the module's folder. @returns what it printed on stdout */
function python(...args: string[]): Promise<string> {
  if (spawnSync("java", ["-version"]).status !== 0) {
    throw new Error("Spark needs Java 17: apt-get install openjdk-17-jre-headless");
  }
  const env = { ...process.env, PYTHONPATH: module, PYTHONDONTWRITEBYTECODE: "1" };
  return new Promise((resolve, reject) => {
    const child = spawn(pythonSet("spark", packages), args, { cwd: module, env, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
    child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) resolve(stdout);
      else reject(new Error(`Python ended with ${status}: ${stdout.slice(-6000)}\n${stderr.slice(-3000)}`));
    });
  });
}

test("the module's own tests", async () => {
  expect(await python("-m", "pytest", "-p", "no:cacheprovider")).toMatch(/^\d+ passed in /m);
});

test("100 images, an executor killed: each row once, with the library's answer", async () => {
  const lines = (await python("tests/acceptance.py")).trim().split("\n");
  const [direct, local, cluster, end] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const exact = { rows: 100, missing: [], twice: 0, other: [], failed: ["undecodable.png"] };
  expect(direct).toMatchObject({ direct: 100, failed: exact.failed });
  expect(local).toMatchObject({ ...exact, computedTwice: 0 });
  expect(cluster).toMatchObject({ ...exact, executors: 2 });
  expect(end).toEqual({ exact: true });
});
