import { readFileSync } from "node:fs";
import path from "node:path";
import type { ListenOptions, LogLevel, ModelConfig } from "@medinfer/server";
import { MedInferError } from "medinfer";
import { toCount } from "../numbers.js";
import { shortenPath } from "../shorten.js";

const MIB = 2 ** 20;

/** Flags of `medinfer serve`, as commander gives them. */
export interface ServeOptions {
  model?: string[];
  alias?: string[];
  mmproj?: string;
  task: ModelConfig["task"];
  host: string;
  port: number;
  socket?: string;
  keys?: string;
  open?: boolean;
  admin?: string;
  tlsCert?: string;
  tlsKey?: string;
  tlsClientCa?: string;
  corsOrigin?: string[];
  nCtx?: number;
  batchSize?: number;
  nThreads?: number;
  chatTemplate?: string;
  imageUrls?: string[] | true;
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
  filesQuota: number;
  drain: number;
  logLevel: LogLevel;
  auditLog?: string;
  auditSecret?: string;
  auditRequired?: boolean;
}

/**
 * What the server is asked for.
 *
 * @throws MedInferError `INVALID_ARGUMENT` for flags at odds, or a file that cannot be read
 */
export function listenOptions(options: ServeOptions): ListenOptions {
  const { host, port, socket, keys, open, filesFolder, responseState, logLevel, imageUrls } = options;
  const { memoryBudget, unloadAfter, refuseWhileLoading } = options;
  if (options.offline === true && imageUrls !== undefined) {
    throw new MedInferError(
      "INVALID_ARGUMENT",
      "--image-urls has the server open connections, and --offline forbids it",
    );
  }
  return {
    models: modelsOf(options),
    cors: { origins: options.corsOrigin },
    drainMs: options.drain * 1000,
    defaultMaxTokens: options.maxTokens,
    timeLimitMs: options.timeLimit * 1000,
    readPatienceMs: options.readPatience * 1000,
    bodyLimit: options.bodyLimit * MIB,
    filesQuota: options.filesQuota * MIB,
    ...(refuseWhileLoading === true ? { whileLoading: "refuse" } : {}),
    ...defined({
      ...{ host, port, socket, keys, open, filesFolder, responseState, logLevel },
      admin: adminOf(options),
      tls: tlsOf(options),
      audit: auditOf(options),
      imageUrls: Array.isArray(imageUrls) ? { hosts: imageUrls } : imageUrls,
      memoryBudget: memoryBudget === undefined ? undefined : memoryBudget * MIB,
      unloadAfterMs: unloadAfter === undefined ? undefined : unloadAfter * 1000,
    }),
  };
}

function adminOf({ admin }: ServeOptions): ListenOptions["admin"] {
  if (admin === undefined) return undefined;
  return /^\d+$/.test(admin) ? { port: toCount(admin) } : { socket: admin };
}

function tlsOf({ tlsCert, tlsKey, tlsClientCa }: ServeOptions): ListenOptions["tls"] {
  if (tlsCert === undefined && tlsKey === undefined && tlsClientCa === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new MedInferError("INVALID_ARGUMENT", "TLS needs both --tls-cert and --tls-key");
  }
  const certificate = { cert: readPem(tlsCert), key: readPem(tlsKey) };
  return tlsClientCa === undefined ? certificate : { ...certificate, ca: readPem(tlsClientCa), requestCert: true };
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new MedInferError("INVALID_ARGUMENT", `${shortenPath(file)}: it cannot be read (${code}): check the path`);
  }
}

function auditOf({ auditLog: file, auditSecret: secretFile, auditRequired: required }: ServeOptions) {
  if (file !== undefined) return { file, secretFile, required };
  if (secretFile === undefined && required === undefined) return undefined;
  throw new MedInferError("INVALID_ARGUMENT", "--audit-secret and --audit-required need --audit-log FILE");
}

function modelsOf(options: ServeOptions): ModelConfig[] {
  const { model = [""], alias, mmproj, task, nCtx, batchSize, nThreads, chatTemplate } = options;
  const shared = defined({ nCtx, batchSize, nThreads });
  return model.map((each, i) => ({
    ...named(each),
    ...shared,
    ...(i === 0 ? defined({ aliases: alias, mmproj, task, chatTemplate }) : {}),
    keepLoaded: i === 0,
  }));
}

/** `name=file`, or a file whose name it has. */
function named(text: string): { name: string; model?: string } {
  if (text === "") return { name: "medinfer-tiny" };
  const [, name, file] = /^([^=/\\]+)=(.+)$/.exec(text) ?? [];
  if (name !== undefined && file !== undefined) return { name, model: file };
  return { name: path.basename(text).replace(/(-00001-of-\d+)?\.gguf$/i, ""), model: text };
}

function defined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
