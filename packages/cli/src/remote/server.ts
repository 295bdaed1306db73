import { readEvents } from "./events.js";
import { ServerError } from "./server-error.js";

/** A model that a server serves. */
export interface RemoteModel {
  id: string;
  task?: "generate" | "embed" | "rerank";
  aliases?: string[];
  status?: { value: string };
}

/** A medinfer server. */
export class Server {
  readonly #base: string;
  readonly #headers: Record<string, string>;

  /**
   * @param url with or without `/v1` at its end
   * @param key undefined: the server needs none
   */
  constructor(url: string, key: string | undefined) {
    this.#base = url.replace(/\/+$/, "").replace(/\/v1$/, "");
    this.#headers = { "content-type": "application/json", ...(key ? { authorization: `Bearer ${key}` } : {}) };
  }

  async models(signal?: AbortSignal): Promise<RemoteModel[]> {
    const answer = await this.#ask("/v1/models", undefined, signal);
    return ((await this.#json(answer)) as { data: RemoteModel[] }).data;
  }

  /** The name of a model: the one given, or the first that the server has for a task. */
  async modelFor(task: "generate" | "embed", given: string | undefined, signal?: AbortSignal): Promise<string> {
    if (given !== undefined) return given;
    const found = (await this.models(signal)).find((each) => (each.task ?? "generate") === task);
    if (found !== undefined) return found.id;
    throw new ServerError("model_not_found", `the server has no model for the task "${task}": name another server`);
  }

  /** @throws ServerError (rejects) */
  async post(path: string, body: object, signal?: AbortSignal): Promise<unknown> {
    return this.#json(await this.#ask(path, body, signal));
  }

  /**
   * The data of a stream's events, up to its end.
   *
   * @throws ServerError where it fails, or breaks off before its `[DONE]`
   */
  async *stream(path: string, body: object, signal?: AbortSignal): AsyncGenerator<unknown, void, undefined> {
    const answer = await this.#ask(path, body, signal);
    if (answer.body === null) throw brokenOff();
    try {
      for await (const data of readEvents(answer.body)) {
        if (data === "[DONE]") return;
        const value = JSON.parse(data) as { error?: ErrorFields };
        if (value.error) throw errorOf(value.error);
        yield value;
      }
    } catch (error) {
      if (signal?.aborted || error instanceof ServerError) throw error;
      throw brokenOff();
    }
    throw brokenOff();
  }

  async #ask(path: string, body: object | undefined, signal: AbortSignal | undefined): Promise<Response> {
    let answer: Response;
    try {
      answer = await fetch(`${this.#base}${path}`, {
        headers: this.#headers,
        ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      const { code = "no connection" } = ((error as Error).cause ?? {}) as { code?: string };
      // The host alone: a path may hold a token.
      const { host } = new URL(this.#base);
      throw new ServerError("SERVER_UNREACHABLE", `no server answers at ${host} (${code}): check the address`);
    }
    if (answer.ok) return answer;
    const { error } = ((await answer.json().catch(() => ({}))) ?? {}) as { error?: ErrorFields };
    throw errorOf({ message: `it answers with the status ${answer.status}`, ...error });
  }

  async #json(answer: Response): Promise<unknown> {
    try {
      return await answer.json();
    } catch {
      throw brokenOff();
    }
  }
}

interface ErrorFields {
  message?: string;
  code?: string | null;
}

function errorOf({ message = "it failed", code }: ErrorFields): ServerError {
  return new ServerError(code ?? "SERVER_ANSWER", `the server says: ${message}`);
}

function brokenOff(): ServerError {
  return new ServerError("SERVER_ANSWER", "the server's answer broke off: what came of it is not whole, ask again");
}
