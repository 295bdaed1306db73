// The programs that a build needs, and what to install where one is missing.
import { spawnSync } from "node:child_process";

import { Failure } from "./fail.mjs";

const minimumCMake = { major: 3, minor: 21 };
const minimumGcc = 11; // C++20 as the core uses it

/** What a program prints, or null where it cannot be run. */
export function output(command, args = ["--version"]) {
  const result = spawnSync(command, args, { encoding: "utf8" });
  return result.status === 0 ? `${result.stdout}${result.stderr}` : null;
}

const exists = (command) => output(command) !== null;

function installCommand(packages) {
  const names = packages.map((each) => each[process.platform] ?? each.linux);
  const installer = process.platform === "darwin" ? "brew install" : "apt-get install";
  return `"${installer} ${names.join(" ")}"`;
}

/** One sentence for everything that is missing. */
function complain(purpose, missing) {
  if (missing.length === 0) return;
  const things = missing.map((each) => each.what).join(" and ");
  const pronoun = missing.length === 1 ? "it" : "them";
  throw new Failure(`${purpose} needs ${things}: install ${pronoun} with ${installCommand(missing)} and try again`);
}

const git = { what: "git", linux: "git" };
const cmake = { what: `CMake ${minimumCMake.major}.${minimumCMake.minor} or newer`, linux: "cmake" };
const compiler = { what: "a C and a C++20 compiler", linux: "build-essential", darwin: "gcc" };
const generator = { what: "Ninja or make", linux: "ninja-build", darwin: "ninja" };

export function requireGit(purpose) {
  complain(purpose, exists("git") ? [] : [git]);
}

/** The C++ compiler that CMake will find, or null where either language has none. */
function findCompiler() {
  // CC and CXX may carry a launcher: "ccache gcc".
  const program = (value) => value?.trim().split(/\s+/).pop();
  const first = (names) => names.find((name) => name && exists(name));
  const c = first([program(process.env.CC), "cc", "gcc", "clang"]);
  const cxx = first([program(process.env.CXX), "c++", "g++", "clang++"]);
  return c && cxx ? cxx : null;
}

function checkVersions(cxx) {
  const [version, major, minor] = output("cmake").match(/(\d+)\.(\d+)(?:\.\d+)?/);
  if (Number(major) * 1000 + Number(minor) < minimumCMake.major * 1000 + minimumCMake.minor) {
    throw new Failure(
      `building from source needs ${cmake.what}, and this one is ${version}: ` +
        'install a newer one with "pip install cmake" and try again',
    );
  }
  const isGcc = /Free Software Foundation/.test(output(cxx));
  const gcc = isGcc ? Number.parseInt(output(cxx, ["-dumpversion"]), 10) : NaN;
  if (gcc < minimumGcc) {
    throw new Failure(
      `building from source needs GCC ${minimumGcc} or newer, and ${cxx} is ${gcc}: ` +
        `install it with "apt-get install g++-${minimumGcc}", name it in CC and CXX, and try again`,
    );
  }
}

/** Checks for CMake, compilers and a build tool; returns the name of CMake's generator. */
export function requireBuildTools() {
  const cxx = findCompiler();
  const ninja = exists("ninja");
  const missing = [];
  if (!exists("cmake")) missing.push(cmake);
  if (!cxx) missing.push(compiler);
  if (!ninja && !exists("make")) missing.push(generator);
  complain("building from source", missing);
  checkVersions(cxx);
  return ninja ? "Ninja" : "Unix Makefiles";
}
