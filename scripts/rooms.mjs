// The plan of the house, held against the code: npm run rooms
//
// Lists the core's rooms with what each may include; fails where a file includes a room that its own does not name, a
// room names one that it does not use, files or rooms go in a circle, or a wrong include compiles. Needs a build.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import os from "node:os";

import { build } from "./build.mjs";
import { Failure, runMain } from "./lib/fail.mjs";
import { findCircles } from "./lib/circles.mjs";
import { importGraph, includeGraph, includesOf } from "./lib/file-graphs.mjs";
import { fromRoot } from "./lib/paths.mjs";

const buildFolder = fromRoot("out", "source");
const roomOf = (file) => file.match(/^native\/src\/([^/]+)\//)?.[1];

/** Every room that `room` may include: those that it uses, and those that they use. */
function reachable(room, rooms) {
  const found = new Set();
  const visit = (name) => {
    if (found.has(name)) return;
    found.add(name);
    for (const used of rooms.get(name).uses) visit(used);
  };
  for (const used of room.uses) visit(used);
  return found;
}

/** What the files of a room include of other rooms, against what native/CMakeLists.txt says of it. */
function compareWithPlan(rooms, graph) {
  const problems = [];
  for (const room of rooms.values()) {
    const included = new Map();
    for (const [file, others] of graph) {
      if (roomOf(file) !== room.name) continue;
      for (const other of others) {
        const its = roomOf(other);
        if (its && its !== room.name) included.set(its, file);
        // The engine's own header is at the top: what is below it knows options, requests and events alone.
        if (other.endsWith("medinfer/engine.h") && room.name !== "engine") problems.push(`${file} includes ${other}`);
      }
    }
    for (const [its, file] of included) {
      if (!room.uses.includes(its)) problems.push(`${file} includes ${its}/, which ${room.name} does not name`);
    }
    for (const its of room.uses) {
      if (!included.has(its)) problems.push(`${room.name} names ${its} and includes nothing of it`);
    }
  }
  return problems;
}

/** The command that compiles a text of one line in a room, as its own sources are compiled. */
function compilerOf(room, commands) {
  const entry = commands.find((each) => each.file.startsWith(`${fromRoot("native", "src", room)}/`));
  if (!entry) return null;
  const command = entry.command.replace(/ -o \S+ -c \S+$/, " -fsyntax-only -x c++ -");
  return (line) =>
    new Promise((resolve, reject) => {
      const child = spawn("/bin/sh", ["-c", command], { cwd: entry.directory, stdio: ["pipe", "ignore", "pipe"] });
      let output = "";
      child.stderr.on("data", (data) => (output += data));
      child.on("error", reject);
      child.on("close", (status) => resolve({ compiles: status === 0, output }));
      child.stdin.end(`${line}\n`);
    });
}

/** Tries an include of each room in each other, and one of llama.cpp's headers; right ones must compile, too. */
async function tryIncludes(rooms, commands) {
  const headers = new Map(
    Array.from(rooms.keys(), (name) => {
      const own = [...includeGraph().keys()].filter((file) => roomOf(file) === name && file.endsWith(".h"));
      return [name, own.map((file) => file.slice("native/src/".length)).sort()];
    }),
  );
  const trials = [];
  for (const room of rooms.values()) {
    const compile = compilerOf(room.name, commands);
    if (!compile) throw new Failure(`the room ${room.name} has no source: give it one, or put its headers elsewhere`);
    const allowed = reachable(room, rooms);
    for (const other of rooms.keys()) {
      if (other === room.name) continue;
      // A right one that needs llama.cpp's headers compiles only where they are seen: any header of the room may do.
      trials.push({ room: room.name, names: headers.get(other), right: allowed.has(other), compile });
    }
    trials.push({ room: room.name, names: ["llama.h"], right: room.llama, compile });
  }
  const problems = [];
  const counts = { right: 0, wrong: 0 };
  const queue = [...trials];
  const worker = async () => {
    for (let trial = queue.shift(); trial; trial = queue.shift()) {
      counts[trial.right ? "right" : "wrong"] += 1;
      let compiled = false;
      for (const name of trial.names) {
        const { compiles, output } = await trial.compile(`#include "${name}"`);
        compiled ||= compiles;
        if (!trial.right && (compiles || (!output.includes("No such file") && !output.includes("file not found")))) {
          problems.push(`in ${trial.room}, #include "${name}" is found`);
        }
        if (trial.right && compiled) break;
      }
      if (trial.right && !compiled) problems.push(`in ${trial.room}, nothing of ${trial.names.join(", ")} compiles`);
    }
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, worker));
  return { problems, counts };
}

function describe(rooms) {
  for (const room of rooms.values()) {
    const names = [...reachable(room, rooms)];
    const may = [...rooms.keys()].filter((name) => names.includes(name));
    if (room.llama) may.push("llama.cpp");
    console.log(`${room.name.padEnd(11)}${may.length > 0 ? may.join(", ") : "nothing"}`);
  }
}

await runMain(async () => {
  const list = `${buildFolder}/rooms.json`;
  if (!existsSync(list)) await build();
  const rooms = new Map(JSON.parse(readFileSync(list, "utf8")).map((room) => [room.name, room]));
  const commands = JSON.parse(readFileSync(`${buildFolder}/compile_commands.json`, "utf8"));
  console.log("Rooms of native/src, and what each may include:\n");
  describe(rooms);

  const includes = includeGraph();
  const imports = importGraph("lib");
  const circles = [
    ...findCircles(new Map(Array.from(rooms.values(), (room) => [room.name, room.uses]))),
    ...findCircles(includes),
    ...findCircles(imports),
    ...findCircles(importGraph("packages")),
  ];
  const problems = circles.map((circle) => `a circle: ${circle.join(" -> ")}`);
  problems.push(...compareWithPlan(rooms, includes));
  const upwards = [...includes.keys()]
    .filter((file) => roomOf(file))
    .filter((file) => includesOf(readFileSync(fromRoot(file), "utf8")).some((name) => name.includes("..")));
  problems.push(...upwards.map((file) => `${file} includes by a way through ".."`));

  const trials = await tryIncludes(rooms, commands);
  problems.push(...trials.problems);
  console.log(
    `\n${includes.size} C++ files and ${imports.size} of TypeScript: ${circles.length} circles; ` +
      `${trials.counts.wrong} wrong includes tried, ${trials.counts.right} right ones`,
  );
  if (problems.length > 0) throw new Failure(`the rooms do not hold:\n  ${problems.join("\n  ")}`);
});
