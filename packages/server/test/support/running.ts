/** A real server on the embedded model, and requests to it. */
import { afterAll, beforeAll } from "vitest";

import { listen, type Listening, type ListenOptions } from "@medinfer/server";

/** The model's name in these tests. */
export const model = "medinfer-tiny";

/** Starts a server for the tests of a file. @returns where it is, once it has started */
export function running(options: Partial<ListenOptions> = {}): { url: () => string; server: () => Listening } {
  let server: Listening;
  beforeAll(async () => {
    server = await listen({
      models: [{ name: model, nThreads: 1, keepLoaded: true }],
      port: 0,
      drainMs: 1000,
      ...options,
    });
    await server.service.start();
  });
  afterAll(() => server.close());
  return { url: () => server.url, server: () => server };
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- JSON that tests look into field by field
export type Json = any;

/** A POST of JSON. */
export function post(url: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  const headers = { "content-type": "application/json", ...init.headers };
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return fetch(url, { method: "POST", body: text, ...init, headers });
}

export async function postJson(url: string, body: unknown): Promise<Json> {
  const response = await post(url, body);
  if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`);
  return (await response.json()) as Json;
}

/** The data of all events of a stream, as they were written. */
export async function eventsOf(response: Response): Promise<string[]> {
  const text = await response.text();
  return text
    .split("\n\n")
    .filter((part) => part !== "" && !part.startsWith(":"))
    .map((part) => part.replace(/^data: /, ""));
}

/** The chunks of a stream, which has to end with [DONE]. */
export async function chunksOf(response: Response): Promise<Json[]> {
  const events = await eventsOf(response);
  if (events.pop() !== "[DONE]") throw new Error("the stream does not end with [DONE]");
  return events.map((event) => JSON.parse(event) as Json);
}
