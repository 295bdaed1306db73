/** Model files made of the embedded one. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { withStrings } from "../../../test/support/gguf.mjs";
import { embeddedModel } from "./support.js";

/** The path of the embedded model without its chat template, and of another name, so that no adapter knows it. */
export function withoutChatTemplate(folder: string): string {
  const file = path.join(folder, "plain.gguf");
  writeFileSync(file, withStrings(readFileSync(embeddedModel), { "tokenizer.chat_template": undefined }));
  return file;
}
