// The programs that a build needs, and what to install where one is missing.
import { spawnSync } from "node:child_process";

import { Failure } from "./fail.mjs";

const minimumCMake = [3, 21];
const minimumGcc = 11; // C++20 as the core uses it

const linux = process.platform === "linux";
const install = (debian, mac) => (linux ? `"apt-get install ${debian}"` : mac);

function run(command, args) {
  const result = spawnSync(command, args, { encoding: "utf8" });
  return result.status === 0 ? `${result.stdout}${result.stderr}` : null;
}

export function requireGit(why) {
  if (run("git", ["--version"]) === null) {
    throw new Failure(
      `${why} needs git: install it with ${install("git", '"xcode-select --install"')} and run npm install again`,
    );
  }
}

export function requireCMake() {
  const version = run("cmake", ["--version"])?.match(/(\d+)\.(\d+)/);
  const [major, minor] = minimumCMake;
  const advice = `install it with ${install("cmake", '"brew install cmake"')} and run npm install again`;
  if (!version) {
    throw new Failure(`building from source needs CMake ${major}.${minor} or newer: ${advice}`);
  }
  if (Number(version[1]) * 1000 + Number(version[2]) < major * 1000 + minor) {
    throw new Failure(
      `building from source needs CMake ${major}.${minor} or newer, and this is ${version[0]}: ` +
        'install a newer one with "pip install cmake" and run npm install again',
    );
  }
}

/** The C and C++ compilers that CMake will find: CC and CXX, or the usual names. */
export function requireCompiler() {
  const advice = `install them with ${install("build-essential", '"xcode-select --install"')} and run npm install again`;
  const first = (names) => names.find((name) => name && run(name, ["--version"]) !== null);
  const c = first([process.env.CC?.split(" ").pop(), "cc", "gcc", "clang"]);
  const cxx = first([process.env.CXX?.split(" ").pop(), "c++", "g++", "clang++"]);
  if (!c || !cxx) {
    throw new Failure(`building from source needs a C and a C++20 compiler: ${advice}`);
  }
  const banner = run(cxx, ["--version"]);
  const version = /Free Software Foundation/.test(banner) ? Number(run(cxx, ["-dumpversion"])?.split(".")[0]) : NaN;
  if (version < minimumGcc) {
    throw new Failure(
      `building from source needs GCC ${minimumGcc} or newer, and ${cxx} is ${version}: ` +
        `install it with ${install(`g++-${minimumGcc}`, '"brew install gcc"')}, set CC and CXX, and run npm install again`,
    );
  }
}

/** Ninja where there is one, else make. */
export function requireGenerator() {
  if (run("ninja", ["--version"]) !== null) return "Ninja";
  if (run("make", ["--version"]) !== null) return "Unix Makefiles";
  throw new Failure(
    `building from source needs Ninja or make: install one with ${install("ninja-build", '"brew install ninja"')} and run npm install again`,
  );
}
