/** Messages and what they are made of. */
import type { ImageSource } from "../images/load.js";

/** A piece of text. */
export interface TextPart {
  type: "text";
  text: string;
}

/** An image, read by the model at the place where it stands among the other parts. */
export interface ImagePart {
  type: "image";
  /** The file's bytes (JPEG, PNG, GIF or BMP), a path, a URL, or a `data:` URL as a string. */
  image: ImageSource;
  /** A name of yours; not used by the engine. */
  id?: string;
}

/** What a message or a prompt is made of. Parts are joined with nothing between them. */
export type Content = string | readonly (TextPart | ImagePart)[];

/** One turn of a conversation. */
export interface ChatMessage {
  /** `"system"`, `"user"` or `"assistant"`; others where the chat template knows them. */
  role: string;
  content: Content;
}

/** A turn whose content is text alone. */
export interface TextMessage {
  role: string;
  content: string;
}

/** A conversation as the model reads it. */
export interface RenderedChat {
  /** The whole prompt, without the vocabulary's BOS token. */
  prompt: string;
  /** Texts at which generation ends, as far as the template has any. */
  stopStrings: string[];
}

/** Values of a chat template's own variables, by their names. */
export type TemplateArguments = Readonly<Record<string, string | number | boolean>>;

/** What a chat template gets beside the messages. */
export interface TemplateContext {
  /** Whether the prompt ends with the opening of the assistant's turn. */
  addGenerationPrompt: boolean;
  /** Text of the model's BOS token; empty without a model. */
  bosToken: string;
  /** Text of the model's EOS token; empty without a model. */
  eosToken: string;
  /** Text of the model's padding token; empty without a model, or where nobody named one. */
  padToken: string;
  /** Those of the request; empty where it has none. A function has to look after those that it does not know. */
  templateArguments: TemplateArguments;
}

/**
 * A chat template written in JavaScript. It must place each message's content as it is: images and texts that look like
 * control tokens travel inside it as markers.
 */
export type ChatTemplateFunction = (
  messages: readonly TextMessage[],
  context: TemplateContext,
) => string | RenderedChat;
