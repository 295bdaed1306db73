import type { ChatMessage, Content, ImagePart, TextPart, ToolCall } from "medinfer";
import { noFile } from "../generate/no-file.js";
import type { ImageReader } from "../images/image-reader.js";
import type { PromptBody, WireBlock, WireMessage } from "./messages-schema.js";

type Part = TextPart | ImagePart;
type Blocks<T extends WireBlock["type"]> = readonly Extract<WireBlock, { type: T }>[];

/**
 * The system prompt and the messages as the library takes them.
 *
 * @throws Problem (rejects) 400
 */
export async function readMessages({ system, messages }: PromptBody, images: ImageReader): Promise<ChatMessage[]> {
  const first: ChatMessage[] = system ? [{ role: "system", content: await readParts(system, "system", images) }] : [];
  const others = await Promise.all(messages.map((each, i) => readMessage(each, `messages[${i}].content`, images)));
  return [...first, ...others.flat()];
}

async function readMessage(message: WireMessage, where: string, images: ImageReader): Promise<ChatMessage[]> {
  const { role, content } = message;
  if (typeof content === "string") return [{ role, content: noFile(content, where) }];
  if (role === "assistant") return [readAssistant(content, where)];
  return readUser(role, content, where, images);
}

/** Results of tools are messages of their own, in the order of the blocks. */
async function readUser(
  role: "user" | "system",
  blocks: Blocks<"text" | "image" | "document" | "tool_result">,
  where: string,
  images: ImageReader,
): Promise<ChatMessage[]> {
  const messages: ChatMessage[] = [];
  let said: Part[] = [];
  for (const [i, block] of blocks.entries()) {
    const place = `${where}[${i}]`;
    if (block.type !== "tool_result") {
      said.push(...(await readPart(block, place, images)));
      continue;
    }
    if (said.length > 0) messages.push({ role, content: said });
    said = [];
    const content = await readParts(block.content ?? "", `${place}.content`, images);
    messages.push({
      role: "tool",
      toolCallId: block.tool_use_id,
      content: block.is_error === true ? marked(content) : content,
    });
  }
  if (said.length > 0 || messages.length === 0) messages.push({ role, content: said });
  return messages;
}

/** Models have no other word for a call that failed. */
function marked(content: Content): Content {
  return typeof content === "string" ? `Error: ${content}` : [{ type: "text", text: "Error: " }, ...content];
}

function readAssistant(blocks: Blocks<"text" | "tool_use" | "thinking">, where: string): ChatMessage {
  const said: TextPart[] = [];
  const thoughts: string[] = [];
  const toolCalls: ToolCall[] = [];
  blocks.forEach((block, i) => {
    if (block.type === "text") said.push({ type: "text", text: noFile(block.text, `${where}[${i}]`) });
    else if (block.type === "thinking") thoughts.push(block.thinking);
    else toolCalls.push({ id: block.id, name: block.name, arguments: block.input });
  });
  return {
    role: "assistant",
    content: said.length === 0 ? (toolCalls.length > 0 ? null : "") : said,
    ...(toolCalls.length > 0 ? { toolCalls } : {}),
    ...(thoughts.length > 0 ? { reasoning: thoughts.join("\n") } : {}),
  };
}

async function readParts(
  content: string | Blocks<"text" | "image" | "document">,
  where: string,
  images: ImageReader,
): Promise<Content> {
  if (typeof content === "string") return noFile(content, where);
  return (await Promise.all(content.map((block, i) => readPart(block, `${where}[${i}]`, images)))).flat();
}

/** A block as parts: a document is several. */
async function readPart(
  block: Blocks<"text" | "image" | "document">[number],
  where: string,
  images: ImageReader,
): Promise<Part[]> {
  switch (block.type) {
    case "text":
      return [{ type: "text", text: noFile(block.text, where) }];
    case "image": {
      const { source } = block;
      const url = source.type === "url" ? source.url : `data:${source.media_type};base64,${source.data}`;
      return [{ type: "image", image: await images.read(url, `${where}.source`) }];
    }
    case "document":
      return readDocument(block, where, images);
  }
}

async function readDocument(
  { title, context, source }: Blocks<"document">[number],
  where: string,
  images: ImageReader,
): Promise<Part[]> {
  const about = [title, context].filter((text) => text !== undefined && text !== null && text !== "");
  const said = about.map((text): Part => ({ type: "text", text: `${noFile(text!, where)}\n` }));
  const data = `${where}.source.data`;
  if (source.type === "text") return [...said, { type: "text", text: noFile(source.data, data) }];
  const pages = await images.pages(source.data, data);
  return [...said, ...pages.map((image): Part => ({ type: "image", image }))];
}
