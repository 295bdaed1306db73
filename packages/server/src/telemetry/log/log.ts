import pino, { type Logger } from "pino";

/** From what on it is logged; `"silent"`: nothing. */
export type LogLevel = "silent" | "fatal" | "error" | "warn" | "info" | "debug" | "trace";

export interface LogOptions {
  /** Default `"warn"`: what went wrong. `"info"`: every request; `"debug"`: those of health and metrics too. */
  logLevel?: LogLevel;
  /** Where lines go. Default: stderr. */
  logTo?: { write(line: string): void };
}

/** Lines of JSON. What is logged is named where it is logged: no object of a request is handed over. */
export function makeLog({ logLevel = "warn", logTo }: LogOptions): Logger {
  const settings = { level: logLevel, base: undefined, timestamp: pino.stdTimeFunctions.isoTime };
  const withLabels = { ...settings, formatters: { level: (label: string) => ({ level: label }) } };
  return pino(withLabels, logTo ?? pino.destination({ fd: 2, sync: true }));
}
