import type { ChatMessage, Content, ImagePart, TextPart } from "medinfer";
import { noFile } from "../generate/no-file.js";
import type { ImageReader } from "../images/image-reader.js";
import type { Message, MessageContent } from "./message-schema.js";

/**
 * Messages as the library takes them.
 *
 * @throws Problem (rejects) 400
 */
export function readMessages(messages: readonly Message[], images: ImageReader): Promise<ChatMessage[]> {
  return Promise.all(messages.map((each, i) => readMessage(each, `messages[${i}]`, images)));
}

async function readMessage(message: Message, where: string, images: ImageReader): Promise<ChatMessage> {
  switch (message.role) {
    case "system":
    case "developer":
      return { role: "system", content: await readContent(message.content, where, images) };
    case "user":
      return { role: "user", content: await readContent(message.content, where, images) };
    case "tool": {
      const content = await readContent(message.content, where, images);
      return { role: "tool", content, toolCallId: message.tool_call_id };
    }
    case "assistant": {
      const { content, refusal, tool_calls: calls, reasoning_content: thought, reasoning } = message;
      const said = content ?? refusal ?? (calls ? null : "");
      return {
        role: "assistant",
        content: said === null ? null : await readContent(said, where, images),
        ...(calls ? { toolCalls: calls.map((call) => ({ id: call.id, ...call.function })) } : {}),
        ...((thought ?? reasoning) ? { reasoning: (thought ?? reasoning)! } : {}),
      };
    }
  }
}

async function readContent(content: MessageContent, where: string, images: ImageReader): Promise<Content> {
  const param = `${where}.content`;
  if (typeof content === "string") return noFile(content, param);
  const parts = await Promise.all(
    content.map(async (part, i): Promise<(TextPart | ImagePart)[]> => {
      const place = `${param}[${i}]`;
      switch (part.type) {
        case "text":
          return [{ type: "text", text: noFile(part.text, place) }];
        case "refusal":
          return [{ type: "text", text: noFile(part.refusal, place) }];
        case "image_url": {
          const { image_url: source, minTokens, maxTokens } = part;
          const image = await images.read(typeof source === "string" ? source : source.url, `${place}.image_url`);
          return [{ type: "image", image, ...defined({ minTokens, maxTokens }) }];
        }
        case "file": {
          const pages = await images.pages(part.file.file_data ?? "", `${place}.file.file_data`);
          return pages.map((image) => ({ type: "image", image }));
        }
      }
    }),
  );
  return parts.flat();
}

/** Without what is undefined. */
function defined<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
