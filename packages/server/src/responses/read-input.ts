import type { ChatMessage, Content, ImagePart, TextPart, ToolCall } from "medinfer";
import { noFile } from "../generate/no-file.js";
import type { ImageReader } from "../images/image-reader.js";
import type { InputItem, InputPart } from "./input-schema.js";

type Part = TextPart | ImagePart;

/** The assistant's turn: several items in a row are one. */
interface Turn {
  role: "assistant";
  content: Part[] | null;
  toolCalls?: ToolCall[];
  reasoning?: string;
}

/**
 * Items as messages. What the assistant thought, said and called in a row becomes one message, as models read it.
 *
 * @param where in the request they stand, e.g. `"input"`
 * @throws Problem (rejects) 400
 */
export async function readInput(
  items: readonly InputItem[],
  where: string,
  images: ImageReader,
): Promise<ChatMessage[]> {
  const messages: ChatMessage[] = [];
  let turn: Turn | undefined;
  const assistants = (): Turn => {
    if (turn === undefined) messages.push((turn = { role: "assistant", content: null }));
    return turn;
  };
  for (const [i, item] of items.entries()) {
    const place = `${where}[${i}]`;
    switch (item.type) {
      case "message": {
        const content = await readContent(item.content, `${place}.content`, images);
        if (item.role === "assistant") {
          const spoken = assistants();
          spoken.content = [...(spoken.content ?? []), ...asParts(content)];
        } else {
          turn = undefined;
          messages.push({ role: item.role === "developer" ? "system" : item.role, content });
        }
        break;
      }
      case "function_call":
        (assistants().toolCalls ??= []).push({ id: item.call_id, name: item.name, arguments: item.arguments });
        break;
      case "reasoning": {
        const text = (item.content ?? item.summary).map((each) => each.text).join("\n");
        // Thought comes first: behind an answer or a call it begins another turn.
        if (turn?.content || turn?.toolCalls) turn = undefined;
        const thoughtful = assistants();
        thoughtful.reasoning = thoughtful.reasoning === undefined ? text : `${thoughtful.reasoning}\n${text}`;
        break;
      }
      case "function_call_output":
        turn = undefined;
        messages.push({
          role: "tool",
          toolCallId: item.call_id,
          content: await readContent(item.output, `${place}.output`, images),
        });
    }
  }
  return messages.map(whole);
}

/** A turn of thoughts alone has said nothing, which is a text too. */
function whole(message: ChatMessage): ChatMessage {
  return message.content === null && message.toolCalls === undefined ? { ...message, content: "" } : message;
}

async function readContent(
  content: string | readonly InputPart[],
  where: string,
  images: ImageReader,
): Promise<Content> {
  if (typeof content === "string") return noFile(content, where);
  const parts = await Promise.all(
    content.map(async (part, i): Promise<Part[]> => {
      const place = `${where}[${i}]`;
      if (part.type === "input_image") {
        return [{ type: "image", image: await images.read(part.image_url, `${place}.image_url`) }];
      }
      if (part.type === "input_file") {
        const pages = await images.pages(part.file_data ?? "", `${place}.file_data`);
        return pages.map((image) => ({ type: "image", image }));
      }
      return [{ type: "text", text: noFile(part.type === "refusal" ? part.refusal : part.text, place) }];
    }),
  );
  return parts.flat();
}

function asParts(content: Content): readonly Part[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}
