import type { Problem } from "../http/problem.js";

/**
 * A failure as Anthropic tells it, with our word for programs and the place beside its own fields.
 *
 * @param requestId the request's number in logs
 */
export function problemBody({ status, message, code, param, figures }: Problem, requestId: string): object {
  const type = types[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
  return { type: "error", error: { type, message, code, param, ...figures }, request_id: requestId };
}

const types: Readonly<Record<number, string>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  503: "overloaded_error",
};
