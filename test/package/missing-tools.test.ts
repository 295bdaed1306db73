import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { findOnPath, repository } from "./support.js";

/** A clone without llama.cpp, whose scripts see only the programs in its bin/. */
let clone: string;

beforeAll(() => {
  clone = mkdtempSync(path.join(tmpdir(), "medinfer-tools-"));
  for (const name of ["scripts", "package.json", "native/patches"]) {
    cpSync(path.join(repository, name), path.join(clone, name), { recursive: true });
  }
  mkdirSync(path.join(clone, ".git"));
});

afterAll(() => {
  rmSync(clone, { recursive: true, force: true });
});

function installWithOnly(programs: string[]) {
  const bin = path.join(clone, "bin");
  rmSync(bin, { recursive: true, force: true });
  mkdirSync(bin);
  for (const program of programs) symlinkSync(findOnPath(program), path.join(bin, program));
  const env = { PATH: bin, HOME: clone };
  return spawnSync(process.execPath, ["scripts/install.mjs"], { cwd: clone, env, encoding: "utf8" });
}

const everything = ["git", "cmake", "gcc", "g++", "make"];
const without = (...missing: string[]) => everything.filter((program) => !missing.includes(program));

describe("a missing program ends the build with one sentence that names the package", () => {
  const cases: [string, string[], RegExp][] = [
    ["git", without("git"), /needs git: install it with "(apt-get|brew) install git"/],
    ["CMake", without("cmake"), /needs CMake 3\.21 or newer: install it with "(apt-get|brew) install cmake"/],
    ["a compiler", without("g++"), /needs a C and a C\+\+20 compiler: install it with "(apt-get|brew) install /],
    ["make", without("make"), /needs Ninja or make: install it with "(apt-get|brew) install ninja/],
    ["CMake and a compiler", without("cmake", "gcc", "g++"), /needs CMake .* and a C .*: install them with .*cmake /],
  ];

  it.each(cases)("%s", (_name, programs, sentence) => {
    const { status, stdout, stderr } = installWithOnly(programs);
    expect(status).toBe(1);
    expect(stdout).toBe("");
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(sentence);
  });
});
