/** The packed package in Jest, whose tests run in contexts of their own. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, expect, it } from "vitest";

import { npm, packInto, repository } from "./support.js";

const packages = ["jest@30.5.2", "jest-environment-jsdom@30.5.2"];

let workspace: string;
let folder: string;

beforeAll(() => {
  workspace = realpathSync(mkdtempSync(path.join(tmpdir(), "medinfer-jest-")));
  const tarball = packInto(workspace);
  folder = path.join(workspace, "project");
  mkdirSync(folder);
  const jest = { testMatch: ["**/*.test.?js"], transform: {}, testTimeout: 120_000 };
  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "with-jest", private: true, jest }));
  cpSync(path.join(repository, "test", "package", "jest"), folder, { recursive: true });
  npm(folder, ["install", "--no-audit", "--no-fund", tarball, ...packages]);
});

afterAll(() => {
  rmSync(workspace, { recursive: true, force: true });
});

it.each([
  ["one process", ["--runInBand"]],
  ["processes", ["--maxWorkers=2"]],
  ["worker threads", ["--maxWorkers=2", "--workerThreads"]],
])("works in Jest, in %s", (_name, flags) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--experimental-vm-modules", "node_modules/jest/bin/jest.js", "--json", ...flags],
    {
      cwd: folder,
      // It ends by itself: what would keep it alive, would do so in a user's tests.
      timeout: 300_000,
      encoding: "utf8",
      env: {
        ...process.env,
        NODE_OPTIONS: "--no-warnings",
        PICTURE: path.join(repository, "test", "fixtures", "images", "rgb.png"),
      },
    },
  );
  expect(status, stderr).toBe(0);
  const { numPassedTests, numFailedTests, numTotalTestSuites } = JSON.parse(stdout) as Record<string, number>;
  expect({ numPassedTests, numFailedTests, numTotalTestSuites }).toEqual({
    numPassedTests: 8,
    numFailedTests: 0,
    numTotalTestSuites: 3,
  });
});
