import { readFileSync } from "node:fs";
import type { ListenOptions, LogLevel } from "@medinfer/server";
import { MedInferError } from "medinfer";
import { isPort } from "../numbers.js";
import { shortenPath } from "../shorten.js";
import { defined } from "./defined.js";
import { modelConfigs, type ModelOptions } from "./model-configs.js";

const MIB = 2 ** 20;
const SECOND = 1000;
const HOUR = 3_600_000;

/** Flags of `medinfer serve`, as commander gives them. */
export interface ServeOptions extends ModelOptions {
  host: string;
  port: number;
  socket?: string;
  keys?: string;
  open?: boolean;
  admin?: string;
  tlsCert?: string;
  tlsKey?: string;
  tlsClientCa?: string;
  tlsPassphrase?: string;
  tlsMinVersion?: "TLSv1.2" | "TLSv1.3";
  corsOrigin?: string[];
  corsPrivateNetwork?: boolean;
  imageUrls?: string[] | true;
  imageUrlLimit?: number;
  imageUrlTimeout?: number;
  offline?: boolean;
  memoryBudget?: number;
  unloadAfter?: number;
  refuseWhileLoading?: boolean;
  maxTokens: number;
  timeLimit: number;
  readPatience: number;
  bodyLimit: number;
  responseState?: boolean;
  filesFolder?: string;
  filesQuota?: number;
  fileLimit?: number;
  batchConcurrency?: number;
  drain: number;
  logLevel: LogLevel;
  auditLog?: string;
  auditSecret?: string;
  auditRequired?: boolean;
  auditMaxSize?: number;
  auditMaxAge?: number;
  auditKeep?: number;
}

/**
 * What the server is asked for.
 *
 * @throws MedInferError (rejects) `INVALID_ARGUMENT` for flags at odds, or a file that cannot be read
 */
export async function listenOptions(options: ServeOptions): Promise<ListenOptions> {
  const { host, port, socket, keys, open, filesFolder, responseState, logLevel, imageUrls } = options;
  const { unloadAfter, refuseWhileLoading, batchConcurrency } = options;
  const ofFiles = [options.filesQuota, options.fileLimit, batchConcurrency];
  if (filesFolder === undefined && ofFiles.some((each) => each !== undefined)) {
    throw wrong("--files-quota, --file-limit and --batch-concurrency need --files-folder FOLDER");
  }
  if (options.offline === true && imageUrls !== undefined) {
    throw wrong("--image-urls has the server open connections, and --offline forbids it");
  }
  return {
    models: await modelConfigs(options),
    cors: defined({ origins: options.corsOrigin, allowPrivateNetwork: options.corsPrivateNetwork }),
    drainMs: options.drain * SECOND,
    defaultMaxTokens: options.maxTokens,
    timeLimitMs: options.timeLimit * SECOND,
    readPatienceMs: options.readPatience * SECOND,
    bodyLimit: options.bodyLimit * MIB,
    ...(refuseWhileLoading === true ? { whileLoading: "refuse" } : {}),
    ...defined({
      ...{ host, port, socket, keys, open, filesFolder, responseState, logLevel, batchConcurrency },
      admin: adminOf(options),
      tls: tlsOf(options),
      audit: auditOf(options),
      imageUrls: imageUrlsOf(options),
      filesQuota: times(options.filesQuota, MIB),
      fileLimit: times(options.fileLimit, MIB),
      memoryBudget: times(options.memoryBudget, MIB),
      unloadAfterMs: times(unloadAfter, SECOND),
    }),
  };
}

/** A port, a host with a port, or a path. */
function adminOf({ admin }: ServeOptions): ListenOptions["admin"] {
  if (admin === undefined) return undefined;
  const [, host, port] = /^(?:([^/\\]+):)?(\d+)$/.exec(admin) ?? [];
  if (port === undefined) return { socket: admin };
  return { port: toPort(port), ...defined({ host: host?.replace(/^\[(.*)\]$/, "$1") }) };
}

function toPort(text: string): number {
  const port = Number(text);
  if (!isPort(port)) throw wrong("--admin: a port is a number from 0 to 65535");
  return port;
}

function tlsOf(options: ServeOptions): ListenOptions["tls"] {
  const { tlsCert, tlsKey, tlsClientCa, tlsPassphrase, tlsMinVersion: minVersion } = options;
  if ([tlsCert, tlsKey, tlsClientCa, tlsPassphrase, minVersion].every((each) => each === undefined)) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) throw wrong("TLS needs both --tls-cert and --tls-key");
  return {
    ...{ cert: readTlsFile(tlsCert), key: readTlsFile(tlsKey) },
    ...(tlsClientCa === undefined ? {} : { ca: readTlsFile(tlsClientCa), requestCert: true }),
    // Editors end the last line.
    ...(tlsPassphrase === undefined
      ? {}
      : {
          passphrase: readTlsFile(tlsPassphrase)
            .toString()
            .replace(/\r?\n$/, ""),
        }),
    ...defined({ minVersion }),
  };
}

function readTlsFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw wrong(`${shortenPath(file)}: it cannot be read (${code}): check the path`);
  }
}

function imageUrlsOf({ imageUrls, imageUrlLimit, imageUrlTimeout }: ServeOptions): ListenOptions["imageUrls"] {
  const limits = defined({ maxBytes: times(imageUrlLimit, MIB), timeoutMs: times(imageUrlTimeout, SECOND) });
  if (imageUrls === undefined) {
    if (Object.keys(limits).length === 0) return undefined;
    throw wrong("--image-url-limit and --image-url-timeout need --image-urls");
  }
  return { ...limits, ...(imageUrls === true ? {} : { hosts: imageUrls }) };
}

function auditOf(options: ServeOptions): ListenOptions["audit"] {
  const { auditLog: file, auditSecret: secretFile, auditRequired: required, auditKeep: keep } = options;
  const { auditMaxSize, auditMaxAge } = options;
  const more = defined({
    ...{ secretFile, required, keep },
    maxBytes: times(auditMaxSize, MIB),
    maxAgeMs: times(auditMaxAge, HOUR),
  });
  if (file !== undefined) return { file, ...more };
  if (Object.keys(more).length === 0) return undefined;
  throw wrong(
    "--audit-secret, --audit-required, --audit-max-size, --audit-max-age and --audit-keep need --audit-log FILE",
  );
}

function times(value: number | undefined, unit: number): number | undefined {
  return value === undefined ? undefined : value * unit;
}

function wrong(message: string): MedInferError {
  return new MedInferError("INVALID_ARGUMENT", message);
}
