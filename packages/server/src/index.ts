/** medinfer over HTTP. */
export { createService } from "./service.js";
export { listen } from "./listen.js";
export { Problem } from "./http/problem.js";

export type { Listening, ListenOptions } from "./listen.js";
export type { Service, ServiceOptions } from "./service.js";
export type { StoredWorkOptions } from "./batches/stored-work.js";
export type { CorsOptions } from "./http/cors.js";
export type { ErrorBody, ProblemOptions } from "./http/problem.js";
export type { WebImageOptions } from "./images/web-images.js";
export type { ModelConfig } from "./models/model-config.js";
export type { ModelChange, ModelPoolOptions } from "./models/model-pool.js";
export type { ModelState } from "./models/served-model.js";
