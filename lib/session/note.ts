/** What a saved session says beside its keys and values: the conversation, as JSON. */
import { Buffer } from "node:buffer";
import * as v from "valibot";
import { messagesSchema, promptEntries } from "../chat/schema.js";
import type { Content, ResolvedMessage } from "../chat/types.js";
import { MedInferError } from "../errors.js";
import { object } from "../validation/fields.js";
import { sessionOptionsSchema, type SessionSettings } from "./options.js";

/** A conversation and what its prompts are made with. */
export interface SessionNote {
  messages: ResolvedMessage[];
  settings: SessionSettings;
}

const { chatTemplate, cacheSalt, onContextFull } = sessionOptionsSchema.entries;
const settingsSchema = object({ chatTemplate, ...promptEntries, cacheSalt, onContextFull });

/** JSON, with images as base64. REQUIRES: the images are bytes. */
export function writeNote({ messages, settings }: SessionNote): string {
  const written = messages.map((message) => ({ ...message, content: mapImages(message.content, toBase64) }));
  return JSON.stringify({ messages: written, settings });
}

/** @throws MedInferError `BAD_SESSION` where it is no such note */
export function readNote(json: string): SessionNote {
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
