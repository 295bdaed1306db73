/** A real server on the embedded model, for commands with --url. */
import { listen, type Listening, type ListenOptions } from "@medinfer/server";
import { afterAll, beforeAll } from "vitest";

/** The model's name. */
export const model = "medinfer-tiny";

/** Starts a server for the tests of a file. @returns where it is, once it has started */
export function running(models: ListenOptions["models"] = [{ name: model, nThreads: 1 }]): { url: () => string } {
  let server: Listening;
  beforeAll(async () => {
    server = await listen({ models, port: 0, drainMs: 1000 });
    await server.service.start();
  });
  afterAll(() => server.close());
  return { url: () => server.url };
}

/** Whether the server has a path: some calls come with other parts of it. */
export async function hasPath(url: string, path: string): Promise<boolean> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: object };
  return path in document.paths;
}
