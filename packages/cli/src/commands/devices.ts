import type { Command } from "commander";
import { devices, type Device } from "medinfer";
import { formatBytes, printJson, printTable } from "../output.js";

/** `medinfer devices` */
export function addDevices(program: Command): void {
  program
    .command("devices")
    .description("list the devices that can compute, with their memory")
    .option("--json", "print all that is known of each")
    .action(({ json }: { json?: true }) => {
      const found = devices();
      if (json) printJson(found);
      else printTable(found.map(rowOf));
    });
}

function rowOf({ name, backend, description, memoryTotal, memoryFree, driver, computeCapability }: Device): string[] {
  const gpu = [
    driver === undefined ? [] : `driver ${driver}`,
    computeCapability === undefined ? [] : `compute capability ${computeCapability}`,
  ].flat();
  const memory = `${formatBytes(memoryFree)} free of ${formatBytes(memoryTotal)}`;
  return [name, backend, memory, [description, ...gpu].join(", ")];
}
