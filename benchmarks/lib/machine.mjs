import os from "node:os";

/** Where a figure was measured: none means anything without it. */
export function machine() {
  return {
    cpu: os.cpus()[0]?.model ?? "unknown",
    cores: os.availableParallelism(),
    memoryGb: Math.round(os.totalmem() / 2 ** 30),
    platform: `${os.platform()} ${os.arch()}`,
    node: process.version,
    // Above about 0.5 per core somebody else was at work, and throughput figures mean little.
    loadBefore: Number(os.loadavg()[0].toFixed(2)),
  };
}
