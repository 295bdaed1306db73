import { BatchError } from "../errors.js";
import type { Compute, Row } from "../work/compute.js";
import { imageType } from "./image-type.js";
import { judgeAnswer } from "./judge-answer.js";
import { fileIsImage, readFiles, readRow } from "./read-source.js";
import type { Answer, ComputeOptions, DrawnToken } from "./with-engine.js";

/** Options of {@link computeWithServer}. */
export interface ServerComputeOptions extends ComputeOptions {
  /** The key that the server asks for. Default none. */
  apiKey?: string;
}

/** Of an answer of POST /v1/chat/completions, what is read. */
interface ChatCompletion {
  choices?: {
    message?: { content?: string | null };
    finish_reason?: string;
    logprobs?: { content?: WireLogprob[] | null } | null;
  }[];
  usage?: { prompt_tokens?: number; completion_tokens?: number };
}

interface WireLogprob {
  token: string;
  bytes?: number[] | null;
  logprob: number;
}

/** Statuses behind which the same request may succeed: see RFC 9110 and RFC 6585. */
const PASSING = new Set([408, 409, 425, 429, 500, 502, 503, 504]);

/**
 * Asks a server: `medinfer serve`, or another with OpenAI's POST /v1/chat/completions. The picture goes with the request as a
 * data: URL; `ask.options` are fields of its body, but that `nProbs` is `logprobs` there. Every try of a row has the same `Idempotency-Key`, made of its run and id.
 *
 * @param url the server's, as `http://gpu1:8080`; also with `/v1` behind it
 */
export function computeWithServer(url: string, options: ServerComputeOptions = {}): Compute {
  const { reader = readFiles, pageImage = fileIsImage, apiKey } = options;
  const endpoint = endpointOf(url);
  return async (row, { signal }): Promise<Answer> => {
    const image = await pageImage(row, await readRow(row, reader, signal), signal);
    const headers = {
      "content-type": "application/json",
      "idempotency-key": `${row.run}-${row.id}`,
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    };
    const answer = await ask(endpoint, { method: "POST", headers, body: bodyOf(row, image), signal });
    return readAnswer(answer, row.ask.schema !== undefined);
  };
}

function endpointOf(url: string): string {
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw new BatchError("INVALID_ARGUMENT", "computeWithServer: the URL is that of a server, as http://gpu1:8080");
  }
  return `${url.replace(/\/(v1\/?)?$/, "")}/v1/chat/completions`;
}

function bodyOf({ ask: { prompt, systemPrompt, schema, model, options = {} } }: Row, image: Uint8Array): string {
  const data = `data:${imageType(image)};base64,${Buffer.from(image).toString("base64")}`;
  const content = [
    { type: "image_url", image_url: { url: data } },
    { type: "text", text: prompt },
  ];
  const system = systemPrompt === undefined || systemPrompt === "" ? [] : [{ role: "system", content: systemPrompt }];
  const { nProbs, ...more } = options;
  return JSON.stringify({
    ...more,
    ...(nProbs ? { logprobs: true } : {}),
    model: model ?? "default",
    messages: [...system, { role: "user", content }],
    ...(schema === undefined
      ? {}
      : { response_format: { type: "json_schema", json_schema: { name: "answer", schema, strict: true } } }),
  });
}

/** @throws BatchError (rejects); what the server says of its error is not quoted beyond its code */
async function ask(endpoint: string, request: RequestInit): Promise<ChatCompletion> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(endpoint, request);
    body = await response.json().catch((error: unknown) => {
      if (response.ok) throw error;
      return undefined;
    });
  } catch (error) {
    request.signal?.throwIfAborted();
    const { code = "unknown" } = ((error as Error).cause ?? {}) as { code?: string };
    throw new BatchError("SERVER_UNREACHABLE", `the server does not answer, or broke off (${code})`, {
      retryable: true,
    });
  }
  if (response.ok) return body as ChatCompletion;
  const said = (body as { error?: { code?: unknown } } | undefined)?.error?.code;
  const code = typeof said === "string" ? said.toUpperCase().replace(/[^A-Z0-9]+/g, "_") : "";
  const seconds = Number(response.headers.get("retry-after"));
  throw new BatchError(
    /^[A-Z]\w{2,63}$/.test(code) ? code : "SERVER_ERROR",
    `the server answered with ${response.status}`,
    {
      retryable: PASSING.has(response.status),
      ...(seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}),
    },
  );
}

function readAnswer({ choices, usage }: ChatCompletion, isJson: boolean): Answer {
  const [choice] = choices ?? [];
  const text = choice?.message?.content ?? "";
  const finishReason = choice?.finish_reason;
  if (finishReason === undefined) {
    throw new BatchError("SERVER_ERROR", "the server's answer is none of /v1/chat/completions: check the URL");
  }
  judgeAnswer({ text, finishReason });
  return {
    text,
    parsed: isJson ? parse(text) : null,
    finishReason,
    usage: { promptTokens: usage?.prompt_tokens ?? 0, completionTokens: usage?.completion_tokens ?? 0 },
    ...(choice?.logprobs?.content ? { logprobs: choice.logprobs.content.map(drawnToken) } : {}),
  };
}

function drawnToken({ token, bytes, logprob }: WireLogprob): DrawnToken {
  return { bytes: bytes ?? [...Buffer.from(token)], logprobBefore: logprob };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BatchError("ANSWER_CUT", "the answer is no whole JSON: does the server keep to schemas?");
  }
}
