/** The program of the child process in which rows run alone. */
import process from "node:process";
import { pathToFileURL } from "node:url";
import { toRowError } from "../errors.js";
import type { FromChild, ToChild } from "./child-lane.js";
import type { Compute } from "./compute.js";

const [, , file = "", data = "null"] = process.argv;

let running: AbortController | undefined;

process.on("message", (message: ToChild) => {
  if (message.kind === "abort") running?.abort();
  else void run(message);
});
// The worker is gone: nobody waits for the row.
process.on("disconnect", () => process.exit(0));

async function run({ row, attempt }: Extract<ToChild, { kind: "row" }>): Promise<void> {
  running = new AbortController();
  let answer: FromChild;
  try {
    const value: unknown = await (await compute)(row, { signal: running.signal, attempt });
    answer = { kind: "done", value: value ?? null };
  } catch (error) {
    answer = { kind: "failed", error: toRowError(error) };
  }
  process.send?.(answer satisfies FromChild);
}

async function load(): Promise<Compute> {
  const { createCompute } = (await import(pathToFileURL(file).href)) as {
    createCompute: (data: unknown) => Compute | Promise<Compute>;
  };
  return createCompute(JSON.parse(data));
}

// A module that cannot be loaded ends the process before it is ready.
const compute = load();
void compute.then(() => process.send?.({ kind: "ready" } satisfies FromChild));
