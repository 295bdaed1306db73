/** medinfer over HTTP. */
export { createService } from "./service.js";
export { listen } from "./listen.js";
export { Problem } from "./http/problem.js";
export { addKey, revokeKey, type NewKey } from "./people/edit-keys.js";
export { readKeys, type KeyEntry, type KeyFile, type TenantTerms } from "./people/key-file.js";

export type { AdminPlace, Listening, ListenOptions } from "./listen.js";
export type { Service, ServiceOptions } from "./service.js";
export type { StoredWorkOptions } from "./batches/stored-work.js";
export type { CorsOptions } from "./http/cors.js";
export type { ErrorBody, ProblemOptions } from "./http/problem.js";
export type { WebImageOptions } from "./images/web-images.js";
export type { ModelConfig } from "./models/model-config.js";
export type { ModelChange, ModelPoolOptions } from "./models/model-pool.js";
export type { ModelState } from "./models/served-model.js";
export type { AuditLine, AuditOptions } from "./telemetry/audit/audit-log.js";
export type { LogLevel, LogOptions } from "./telemetry/log/log.js";
export type { TelemetryOptions } from "./telemetry/telemetry.js";
