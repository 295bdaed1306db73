import { MedInferError, type ErrorCode } from "medinfer";
import { ModelLoadError } from "../models/model-load-error.js";
import { Problem } from "./problem.js";

/** Seconds after which a client is told to ask again. openai's clients keep to it from 1 to 60. */
const RETRY_SECONDS = 2;

/**
 * An error's status. Bad input is 400 and never 422, which some clients send again seven times; nothing is 501, which most of
 * them repeat; what cannot succeed later says so.
 */
const answers: Readonly<Record<ErrorCode, { status: number; code: string }>> = {
  INVALID_ARGUMENT: { status: 400, code: "invalid_value" },
  CONTEXT_FULL: { status: 400, code: "context_length_exceeded" },
  IMAGE_DECODE: { status: 400, code: "invalid_image" },
  IMAGE_TOO_LARGE: { status: 400, code: "image_too_large" },
  IMAGE_NOT_FOUND: { status: 400, code: "image_not_found" },
  IMAGE_FETCH: { status: 400, code: "image_fetch_failed" },
  DOCUMENT_NOT_FOUND: { status: 400, code: "document_not_found" },
  DOCUMENT_FETCH: { status: 400, code: "document_fetch_failed" },
  DOCUMENT_DECODE: { status: 400, code: "invalid_document" },
  DOCUMENT_UNSUPPORTED: { status: 400, code: "unsupported_document" },
  DOCUMENT_PASSWORD: { status: 400, code: "document_password" },
  DOCUMENT_TOO_LARGE: { status: 400, code: "document_too_large" },
  DOCUMENT_TIMEOUT: { status: 400, code: "document_timeout" },
  NO_VISION: { status: 400, code: "model_reads_no_images" },
  WRONG_TASK: { status: 400, code: "wrong_task" },
  BAD_SESSION: { status: 400, code: "bad_session" },
  QUEUE_FULL: { status: 429, code: "queue_full" },
  // The engine's own: closing while requests run, or gone with its device.
  ABORTED: { status: 503, code: "aborted" },
  CLOSED: { status: 503, code: "model_unloaded" },
  DEVICE_BUSY: { status: 503, code: "device_busy" },
  OUT_OF_MEMORY: { status: 503, code: "out_of_memory" },
  // Of a model that is loaded when it is asked for: its operator's to mend.
  MODEL_NOT_FOUND: { status: 500, code: "model_file_missing" },
  BAD_GGUF: { status: 500, code: "bad_model_file" },
  BAD_MMPROJ: { status: 500, code: "bad_projector_file" },
  BAD_LORA: { status: 500, code: "bad_adapter_file" },
  NO_DEVICE: { status: 500, code: "no_device" },
  BACKEND_LOST: { status: 500, code: "backend_lost" },
  INTERNAL: { status: 500, code: "internal_error" },
};

/** What a failed request is answered with, whatever it failed with. It may quote the request: see scrub.ts. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (!(error instanceof MedInferError)) {
    const what = "a defect of the server: its log names the place";
    return new Problem(500, "internal_error", what, { headers: hopeless });
  }
  // Why it was aborted, where that was no client's doing.
  if (error.code === "ABORTED" && error.cause instanceof Problem) return error.cause;
  const { status, code } = answers[error.code];
  // The same words, said of options of the configuration.
  if (error instanceof ModelLoadError && status < 500) {
    const what = `the model ${error.model} cannot be loaded: the server's log says why`;
    return new Problem(500, "model_load_failed", what, { headers: hopeless });
  }
  const message = status === 500 ? operatorsMessage(error) : error.message;
  const [issue] = error.issues;
  const param = issue?.path === undefined || issue.path === "" ? undefined : issue.path;
  const headers = status === 429 || status === 503 ? { "retry-after": String(RETRY_SECONDS) } : undefined;
  return new Problem(status, code, message, {
    param,
    headers: status === 500 ? hopeless : headers,
    figures: error.code === "CONTEXT_FULL" ? lengths(error.message) : undefined,
  });
}

/** The lengths that the engine's message tells, under the names that clients of llama-server read. */
function lengths(message: string): Record<string, number> | undefined {
  const [, prompt, context] = /\bhas (\d+) tokens?\b.*?(\d+)/.exec(message) ?? [];
  return prompt === undefined ? undefined : { n_prompt_tokens: Number(prompt), n_ctx: Number(context) };
}

/** Clients repeat what fails with 500 or more, and a defect is there the third time as well. */
const hopeless = { "x-should-retry": "false" };

/** Its own message names files of the host: that is for its operator. */
function operatorsMessage(error: MedInferError): string {
  const model = error instanceof ModelLoadError ? `the model ${error.model}` : "the model";
  return `${model} cannot be used (${error.code}): the server's log says why`;
}
