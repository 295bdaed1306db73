import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { MedInferError } from "medinfer";
import type { Logger } from "pino";
import { Problem } from "../../http/problem.js";
import type { Account } from "../account.js";
import { describe } from "../log/place.js";
import type { Observer } from "../observer.js";
import { AuditFile, type AuditFileOptions } from "./audit-file.js";
import { ModelHashes } from "./model-hashes.js";
import { promptDigest } from "./prompt-digest.js";

export interface AuditOptions extends AuditFileOptions {
  /** Its file; that of a folder that does not exist is refused. */
  file: string;
  /** A file whose bytes, at least 16, salt the digests. Default: 32 random bytes, so that digests last as long as the process. */
  secretFile?: string;
  /** Whether requests are refused, with 503, while no line can be written. Default false: the log tells of it. */
  required?: boolean;
}

const LEAST_SECRET = 16;
/** The code of requests that are refused because no line can be written. */
const UNAVAILABLE = "audit_unavailable";

/** One line for each request of a user or an administrator: who, when, what with, how much, what became of it. No text. */
export class AuditLog implements Observer {
  readonly #file: AuditFile;
  readonly #secret: Uint8Array;
  readonly #required: boolean;
  readonly #log: Logger;
  readonly #hashes: ModelHashes;
  /** Lines under way, in the order in which their requests ended. */
  #latest: Promise<void> = Promise.resolve();

  /** @throws MedInferError INVALID_ARGUMENT where its file cannot be written, or its secret cannot be read */
  constructor({ file, secretFile, required = false, ...options }: AuditOptions, log: Logger) {
    this.#log = log;
    this.#required = required;
    this.#secret = secretFile === undefined ? randomBytes(32) : secretOf(secretFile);
    this.#hashes = new ModelHashes((model, error) =>
      log.error({ model, error: describe(error) }, "a model's file was not hashed"),
    );
    const first = lineOf({ time: new Date().toISOString(), event: "start", pid: process.pid });
    try {
      this.#file = new AuditFile(file, first, options, {
        onBroken: (error, lost) => log.error({ error: describe(error), lost }, "the audit log cannot be written"),
        onMended: () => log.warn("the audit log is written again"),
      });
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code ?? "an error";
      throw new MedInferError("INVALID_ARGUMENT", `audit.file: ${file} cannot be written (${why})`, { cause: error });
    }
  }

  arrived(account: Account): void {
    if (!this.#required || !this.#file.broken || !isAudited(account)) return;
    throw new Problem(503, UNAVAILABLE, "requests are refused while the server's audit log cannot be written", {
      headers: { "retry-after": "10" },
    });
  }

  ended(account: Account): void {
    // Lines of requests that were refused for it would push out, of those that wait, lines of requests that were answered.
    if (!isAudited(account) || account.code === UNAVAILABLE) return;
    // What it says later may be of another request on the same connection.
    const line = figuresOf(account);
    const work = this.#complete(line, account);
    this.#latest = Promise.all([this.#latest, work]).then(() => this.#file.write(lineOf(line)));
  }

  async close(): Promise<void> {
    await this.#latest;
    await this.#file.close();
  }

  async #complete(line: AuditLine, { model, enteringAt, call }: Account): Promise<void> {
    try {
      line.promptDigest = (await promptDigest(this.#secret, call?.body)) ?? null;
      // What was never loaded may have no file.
      if (model !== undefined && enteringAt !== undefined) line.modelSha256 = await this.#hashes.of(model);
    } catch (error) {
      this.#log.error({ id: line.id, error: describe(error) }, "an audit line is not complete");
    }
  }
}

/** A line of the audit log; null: there is none. */
export interface AuditLine {
  /** When the request ended. */
  time: string;
  id: string;
  key: string | null;
  tenant: string | null;
  endpoint: string;
  model: string | null;
  modelSha256: string | null;
  promptTokens: number | null;
  completionTokens: number | null;
  imageTokens: number | null;
  promptDigest: string | null;
  outcome: string;
  status: number;
  code: string | null;
  ms: number;
}

function figuresOf(account: Account): AuditLine {
  const { id, endpoint, model, spent, end, status, code, ms, call } = account;
  return {
    time: new Date().toISOString(),
    id,
    key: call?.who.key ?? null,
    tenant: call?.who.tenant ?? null,
    endpoint,
    model: model?.name ?? null,
    modelSha256: null,
    promptTokens: spent?.promptTokens ?? null,
    completionTokens: spent?.completionTokens ?? null,
    imageTokens: spent?.imageTokens ?? null,
    promptDigest: null,
    outcome: end,
    status,
    code: code ?? null,
    ms: Math.round(ms * 10) / 10,
  };
}

const isAudited = ({ route }: Account) => route?.role === "user" || route?.role === "admin";

const lineOf = (line: object) => `${JSON.stringify(line)}\n`;

function secretOf(file: string): Uint8Array {
  let secret: Uint8Array;
  try {
    secret = readFileSync(file);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? "an error";
    throw new MedInferError("INVALID_ARGUMENT", `audit.secretFile: ${file} cannot be read (${why})`, { cause: error });
  }
  if (secret.length >= LEAST_SECRET) return secret;
  throw new MedInferError("INVALID_ARGUMENT", `audit.secretFile: ${file} has fewer than ${LEAST_SECRET} bytes`);
}
