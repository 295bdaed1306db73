/** What a saved session says beside its keys and values: the conversation, as JSON. */
import { Buffer } from "node:buffer";
import * as v from "valibot";
import type { LoraAdapter } from "../adapters/lora-adapter.js";
import { messagesSchema, promptEntries } from "../chat/schema.js";
import type { Content, ResolvedMessage } from "../chat/types.js";
import { MedInferError } from "../errors.js";
import { excerpt } from "../excerpt.js";
import { list, number, object, text } from "../validation/fields.js";
import { sessionOptionsSchema, type SessionSettings } from "./options.js";

/** A conversation and what its prompts are made with. */
export interface SessionNote {
  messages: ResolvedMessage[];
  settings: SessionSettings;
}

const { chatTemplate, cacheSalt, onContextFull } = sessionOptionsSchema.entries;
const adapters = v.optional(
  list(object({ name: text(), digest: text(), scale: number(-100, 100) }), "adapters"),
  () => [],
);
const settingsSchema = object({ chatTemplate, ...promptEntries, cacheSalt, onContextFull, adapters });

type SavedAdapter = v.InferOutput<typeof settingsSchema>["adapters"][number];

/** JSON, with images as base64. REQUIRES: the images are bytes. */
export function writeNote({ messages, settings }: SessionNote): string {
  const written = messages.map((message) => ({ ...message, content: mapImages(message.content, toBase64) }));
  const adapters = settings.adapters.map(({ adapter: { name, digest }, scale }) => ({ name, digest, scale }));
  return JSON.stringify({ messages: written, settings: { ...settings, adapters } });
}

/**
 * @param loaded the engine's adapters
 * @throws MedInferError `BAD_SESSION` where it is no such note, or one of its adapters is not loaded
 */
export function readNote(json: string, loaded: readonly LoraAdapter[]): SessionNote {
  const { messages, settings } = parseNote(json);
  return { messages, settings: { ...settings, adapters: findAdapters(settings.adapters, loaded) } };
}

function findAdapters(wanted: readonly SavedAdapter[], loaded: readonly LoraAdapter[]): SessionSettings["adapters"] {
  return wanted.map(({ name, digest, scale }) => {
    const alike = loaded.filter((each) => each.digest === digest);
    const adapter = alike.find((each) => each.name === name) ?? alike[0];
    if (adapter !== undefined) return { adapter, scale };
    throw new MedInferError(
      "BAD_SESSION",
      `the session was saved with the adapter "${excerpt(name)}", which is not loaded: load it first, with engine.loadAdapter`,
    );
  });
}

function parseNote(json: string) {
  try {
    const { messages, settings } = JSON.parse(json) as { messages: ResolvedMessage[]; settings: unknown };
    const read = messages.map((message) => ({ ...message, content: mapImages(message.content, fromBase64) }));
    // A session that has not begun has no messages.
    const checked = read.length === 0 ? [] : v.parse(messagesSchema, read);
    return { messages: checked, settings: v.parse(settingsSchema, settings) };
  } catch {
    // Without a cause: it would quote what was said.
    throw new MedInferError(
      "BAD_SESSION",
      "the saved session holds no conversation that this version of medinfer reads: restore it with the one that saved it",
    );
  }
}

/** The content with every image replaced. */
export function mapImages(content: Content, replace: (image: unknown) => unknown): Content {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "image" ? { ...part, image: replace(part.image) as string } : part));
}

const toBase64 = (image: unknown) => Buffer.from(image as Uint8Array).toString("base64");
const fromBase64 = (image: unknown) => new Uint8Array(Buffer.from(image as string, "base64"));
