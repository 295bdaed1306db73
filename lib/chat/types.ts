/** Messages and what they are made of. */
import type { ImageSource } from "../images/load.js";
import type { JsonSchema } from "../schema/types.js";

/** A piece of text. */
export interface TextPart {
  type: "text";
  text: string;
}

/** An image's own limits of tokens. */
export interface ImageTokenLimits {
  /**
   * The fewest and the most tokens that the image is to have, where the projector scales images to numbers of tokens (Qwen-VL,
   * Pixtral, LFM2, Kimi-VL, GLM and others); one of another kind refuses them by name. Each below `info.nCtxPerRequest`; how
   * near an image comes depends on its shape. Default: the projector's own.
   */
  minTokens?: number;
  /** See `minTokens`. */
  maxTokens?: number;
}

/** An image, with limits of tokens of its own. */
export interface LimitedImage extends ImageTokenLimits {
  image: ImageSource;
}

/** An image that stands in no content. */
export type ImageInput = ImageSource | LimitedImage;

/** An image, read by the model at the place where it stands among the other parts. */
export interface ImagePart extends ImageTokenLimits {
  type: "image";
  /** The file's bytes (JPEG, PNG, GIF or BMP), a path, a URL, or a `data:` URL as a string. */
  image: ImageSource;
  /** A name of yours; not used by the engine. */
  id?: string;
}

/** What a message or a prompt is made of. Parts are joined with nothing between them. */
export type Content = string | readonly (TextPart | ImagePart)[];

/**
 * A function that the model may call. Taken as well in OpenAI's form, `{ type: "function", function: { name, … } }`.
 * Its texts reach the model as plain text: control tokens in them do not act.
 */
export interface Tool {
  /** 1 to 64 of the characters `A-Z a-z 0-9 _ . -`; unique among the tools of a request. */
  name: string;
  /** What it does and when to call it, as the model is told. Default none. */
  description?: string;
  /** The JSON schema of its arguments, an object. Default `{ type: "object", properties: {} }`. */
  parameters?: JsonSchema | object;
}

/** {@link Tool} in OpenAI's form. */
export interface FunctionTool {
  type: "function";
  /** `strict` is taken and has no effect: arguments always follow their schema. */
  function: Tool & { strict?: boolean | null };
}

/** A call of a tool that the assistant has made. */
export interface ToolCall {
  /** By which the result names the call; unique among the calls of a message. */
  id: string;
  /** The tool. */
  name: string;
  /** A JSON object, as its text or as a value. As text, numbers are kept as they are written. */
  arguments: string | object;
}

/** What every kind of message may say beside its content. */
interface MessageFields {
  /**
   * `"system"`, `"user"`, `"assistant"` or `"tool"`, which holds the result of a call; others where the chat template
   * knows them.
   */
  role: string;
  /**
   * Of the assistant: the calls that it made, after what it said in `content`. Each is answered by a message of the role
   * `"tool"` before anything else is said.
   */
  toolCalls?: readonly ToolCall[];
  /**
   * Of the assistant: what it thought before it answered. The chat template decides which turns' reasoning the model is
   * shown again; most leave out that of earlier ones.
   */
  reasoning?: string;
  /** Of a message with the role `"tool"`, which needs it: the call whose result it is. */
  toolCallId?: string;
  /** Of a message with the role `"tool"`: the tool. Default: that of the call. */
  name?: string;
}

/** One turn of a conversation. */
export interface ChatMessage extends MessageFields {
  /** Null, or left out, only where the assistant calls tools and says nothing. */
  content?: Content | null;
}

/** A turn whose content is text alone. */
export interface TextMessage extends MessageFields {
  /** Null, or left out, only where the assistant calls tools and says nothing. */
  content?: string | null;
}

/** A message that was checked: a copy of its own. */
export interface ResolvedMessage {
  role: string;
  content: Content;
  toolCalls?: readonly { readonly id: string; readonly name: string; /** JSON. */ readonly arguments: string }[];
  reasoning?: string;
  toolCallId?: string;
  name?: string;
}

/** A turn as a chat template that is a function gets it. */
export interface TemplateMessage {
  role: string;
  content: string;
  /** Only with `tools: "own"`, as everything below. */
  toolCalls?: readonly (ToolCall & { /** JSON. */ arguments: string })[];
  reasoning?: string;
  toolCallId?: string;
  /** Of a result: the tool. */
  name?: string;
}

/**
 * How much the model is to think, as far as its chat template can say so: `"none"`, `"minimal"`, `"low"`, `"medium"`,
 * `"high"`, or another word that the template knows.
 */
export type ReasoningEffort = "none" | "minimal" | "low" | "medium" | "high" | (string & {});

/** A conversation as the model reads it. */
export interface RenderedChat {
  /** The whole prompt, without the vocabulary's BOS token. */
  prompt: string;
  /** Texts at which generation ends, as far as the template has any. */
  stopStrings: string[];
  /**
   * With `continueFinalMessage`: the text of the last message, with which the prompt ends; what the model writes continues
   * it.
   */
  prefill?: string;
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
  /** The tools of the request, where the template says `tools: "own"`; otherwise none: they stand in a message. */
  tools: readonly Tool[];
}

/**
 * A chat template written in JavaScript. It must place each text as it is: images and texts that look like control tokens
 * travel inside it as markers.
 */
export type ChatTemplateFunction = (
  messages: readonly TemplateMessage[],
  context: TemplateContext,
) => string | RenderedChat;
