import { prometheusContentType } from "prom-client";
import type { Route } from "../http/route.js";
import type { ModelPool } from "../models/model-pool.js";
import { version } from "../version.js";
import { AuditLog, type AuditOptions } from "./audit/audit-log.js";
import { makeLog, type LogOptions } from "./log/log.js";
import { RequestLog } from "./log/request-log.js";
import { metricsRoute } from "./metrics/metrics-route.js";
import { RequestMetrics } from "./metrics/request-metrics.js";
import { serverText } from "./metrics/server-metrics.js";
import type { Recorder } from "./recorder.js";
import { RequestRecorder } from "./request-recorder.js";
import { RequestSpans } from "./tracing/request-spans.js";

export interface TelemetryOptions extends LogOptions {
  /** Who asked what for, as lines of JSON in a file. Default: none. */
  audit?: AuditOptions;
}

/** What a server tells of itself: metrics, log, audit log, spans. */
export interface Telemetry {
  readonly recorder: Recorder;
  /** GET /metrics */
  readonly routes: readonly Route[];
  /** Tells the operator what has to be mended. */
  readonly warn: (text: string) => void;
  /** Writes what is left to write. */
  close(): Promise<void>;
}

/** @throws MedInferError INVALID_ARGUMENT where the audit log cannot be written */
export function createTelemetry({ audit, logLevel, logTo }: TelemetryOptions, models: ModelPool): Telemetry {
  const logger = makeLog({ logLevel, logTo });
  const auditLog = audit === undefined ? undefined : new AuditLog(audit, logger);
  const requestMetrics = new RequestMetrics(models.models.map((model) => model.name));
  const recorder = new RequestRecorder([
    new RequestSpans(version()),
    requestMetrics,
    new RequestLog(logger),
    // It may refuse a request, of which the others then have been told.
    ...(auditLog === undefined ? [] : [auditLog]),
  ]);
  const text = async () => serverText(models, recorder) + (await requestMetrics.text());
  return {
    recorder,
    routes: [metricsRoute(prometheusContentType, text)],
    warn: (text) => logger.warn(text),
    close: async () => auditLog?.close(),
  };
}
