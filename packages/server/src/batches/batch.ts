/** Batches: many requests in a file, answered in a file. */
import * as v from "valibot";

export const batchStatus = v.picklist([
  "validating",
  "failed",
  "in_progress",
  "finalizing",
  "completed",
  "cancelling",
  "cancelled",
]);
export type BatchStatus = v.InferOutput<typeof batchStatus>;

const time = v.nullable(v.number());

/** A line of the input that is no request. Its message tells its place, and nothing of it. */
const lineProblem = v.object({
  code: v.string(),
  message: v.string(),
  line: v.nullable(v.number()),
  param: v.nullable(v.string()),
});
export type LineProblem = v.InferOutput<typeof lineProblem>;

/** As OpenAI tells it; times in seconds since 1970. */
export const batchSchema = v.object({
  id: v.string(),
  object: v.literal("batch"),
  endpoint: v.string(),
  errors: v.nullable(v.object({ object: v.literal("list"), data: v.array(lineProblem) })),
  input_file_id: v.string(),
  completion_window: v.literal("24h"),
  status: batchStatus,
  output_file_id: v.nullable(v.string()),
  error_file_id: v.nullable(v.string()),
  created_at: v.number(),
  in_progress_at: time,
  expires_at: v.null(),
  finalizing_at: time,
  completed_at: time,
  failed_at: time,
  expired_at: v.null(),
  cancelling_at: time,
  cancelled_at: time,
  request_counts: v.object({ total: v.number(), completed: v.number(), failed: v.number() }),
  metadata: v.nullable(v.record(v.string(), v.string())),
});

export type Batch = v.InferOutput<typeof batchSchema>;

/** Whether nothing of it is to be done any more. */
export function isOver({ status }: Batch): boolean {
  return status === "failed" || status === "completed" || status === "cancelled";
}

export const now = () => Math.floor(Date.now() / 1000);

/** What a batch is asked for with. */
export interface NewBatch {
  id: string;
  endpoint: string;
  inputFile: string;
  metadata: Record<string, string> | null;
}

export function newBatch({ id, endpoint, inputFile, metadata }: NewBatch): Batch {
  return {
    id,
    object: "batch",
    endpoint,
    errors: null,
    input_file_id: inputFile,
    completion_window: "24h",
    status: "validating",
    output_file_id: null,
    error_file_id: null,
    created_at: now(),
    in_progress_at: null,
    expires_at: null,
    finalizing_at: null,
    completed_at: null,
    failed_at: null,
    expired_at: null,
    cancelling_at: null,
    cancelled_at: null,
    request_counts: { total: 0, completed: 0, failed: 0 },
    metadata,
  };
}
