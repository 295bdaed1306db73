import { readFile } from "node:fs/promises";
import path from "node:path";
import { MedInferError } from "medinfer";
import type { Answer, OnPiece } from "../answer.js";
import { readJson } from "../input.js";
import { writeWhole } from "../private-file.js";
import { remoteAnswer } from "../remote/remote-answer.js";
import type { Server } from "../remote/server.js";
import { shortenPath } from "../shorten.js";
import type { Conversation, Turn } from "./conversation.js";

type Part = { type: "text"; text: string } | { type: "image_url"; image_url: { url: string } };

interface Message {
  role: string;
  content: string | Part[];
  reasoning_content?: string;
}

/** With a server, which is sent all of it at every turn: its prefix cache knows the beginning. */
export class RemoteConversation implements Conversation {
  readonly name: string;
  #messages: Message[];

  constructor(
    readonly server: Server,
    readonly model: string,
    system: string | undefined,
  ) {
    this.name = `${model} at a server`;
    this.#messages = opening(system);
  }

  get turns(): number {
    return this.#messages.filter((each) => each.role === "user").length;
  }

  async say({ text, images, settings }: Turn, onPiece: OnPiece, signal: AbortSignal): Promise<Answer> {
    const parts = await Promise.all(images.map(imagePart));
    const content = parts.length === 0 ? text : [...parts, { type: "text" as const, text }];
    const messages = [...this.#messages, { role: "user", content }];
    const body = { ...settings, model: this.model, messages };
    const answer = await remoteAnswer(this.server, "/v1/chat/completions", body, { onPiece, signal });
    const thought = answer.reasoning.trim();
    const said = { role: "assistant", content: answer.text.trim() };
    this.#messages = [...messages, { ...said, ...(thought === "" ? {} : { reasoning_content: thought }) }];
    return answer;
  }

  begin(system: string | undefined): void {
    this.#messages = opening(system);
  }

  save(file: string): Promise<void> {
    return writeWhole(file, `${JSON.stringify({ messages: this.#messages })}\n`);
  }

  async load(file: string): Promise<void> {
    const { messages } = ((await readJson(file)) ?? {}) as { messages?: unknown };
    const isMessage = (each: unknown) =>
      typeof each === "object" && each !== null && "role" in each && "content" in each;
    if (!Array.isArray(messages) || !messages.every(isMessage)) {
      const what = `${shortenPath(file)} holds no conversation that was saved from a server`;
      throw new MedInferError("BAD_SESSION", `${what}: one that was saved from a model of one's own needs that model`);
    }
    this.#messages = messages as Message[];
  }

  async close(): Promise<void> {}
}

function opening(system: string | undefined): Message[] {
  return system ? [{ role: "system", content: system }] : [];
}

const types: Record<string, string> = { ".jpg": "jpeg", ".jpeg": "jpeg", ".bmp": "bmp", ".gif": "gif" };

async function imagePart(file: string): Promise<Part> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch {
    throw new MedInferError("IMAGE_NOT_FOUND", `${shortenPath(file)} cannot be read: check the path`);
  }
  const type = types[path.extname(file).toLowerCase()] ?? "png";
  return { type: "image_url", image_url: { url: `data:image/${type};base64,${bytes.toString("base64")}` } };
}
