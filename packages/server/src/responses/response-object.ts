import type { Engine, GenerationResult } from "medinfer";
import { reasoningTokens } from "../generate/reasoning.js";
import type { StreamHead } from "../generate/stream-head.js";
import { finishReason } from "../generate/usage.js";
import type { Problem } from "../http/problem.js";
import type { OutputItem } from "./output-items.js";
import type { ResponseBody } from "./response-schema.js";

/** How far a response is. */
export interface ResponseState {
  status: "in_progress" | "completed" | "incomplete" | "failed";
  output: readonly OutputItem[];
  usage?: ResponseUsage | undefined;
  problem?: Problem;
}

export interface ResponseUsage {
  input_tokens: number;
  input_tokens_details: { cached_tokens: number };
  output_tokens: number;
  output_tokens_details: { reasoning_tokens: number };
  total_tokens: number;
}

export type ResponseObject = ReturnType<typeof responseObject>;

/** OpenAI's response object: what was asked for, and what there is of the answer. */
export function responseObject(
  { id, model, created }: StreamHead,
  body: ResponseBody,
  { status, output, usage, problem }: ResponseState,
  stored: boolean,
) {
  const { reasoning, text } = body;
  return {
    id,
    object: "response" as const,
    created_at: created,
    status,
    background: false,
    completed_at: status === "completed" ? Math.floor(Date.now() / 1000) : null,
    error:
      problem === undefined
        ? null
        : { code: problem.status >= 500 ? "server_error" : problem.code, message: problem.message },
    incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: body.max_tool_calls ?? null,
    metadata: body.metadata ?? {},
    model,
    output,
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id ?? null,
    prompt_cache_key: body.prompt_cache_key ?? null,
    reasoning: { effort: reasoning?.effort ?? null, summary: null },
    safety_identifier: body.safety_identifier ?? null,
    service_tier: "default",
    store: stored,
    temperature: body.temperature ?? null,
    text: { format: text?.format ?? { type: "text" }, verbosity: "medium" },
    tool_choice: body.tool_choice ?? "auto",
    tools: (body.tools ?? []).map(({ description, parameters, strict, ...tool }) => ({
      ...tool,
      description: description ?? null,
      parameters: parameters ?? null,
      strict: strict ?? true,
    })),
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? null,
    truncation: body.truncation ?? "disabled",
    usage: usage ?? null,
    user: body.user ?? null,
  };
}

export function statusOf({ finishReason: reason }: GenerationResult): "completed" | "incomplete" {
  return finishReason(reason) === "length" ? "incomplete" : "completed";
}

export function responseUsage(result: GenerationResult, engine: Engine): ResponseUsage {
  const { promptTokens, completionTokens, cachedTokens } = result.usage;
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens(result, engine) },
    total_tokens: promptTokens + completionTokens,
  };
}
