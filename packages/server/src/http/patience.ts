/**
 * How long an answer's headers wait. Until then a failure has a status of its own: what can be refused at once (key, body, name of
 * the model, limits of the tenant, a full queue) is, and most other failures come with the prompt.
 *
 * Whatever comes later (a turn, a model that loads, a long prompt) is waited for behind them, and the connection is kept.
 */

/** Of a whole answer. A failure behind its headers can only break the connection, and many clients then ask again. */
export const PATIENCE_MS = 10_000;
/** Of a stream, in which every client is told of a failure, and none asks again. */
export const STREAM_PATIENCE_MS = 1000;
