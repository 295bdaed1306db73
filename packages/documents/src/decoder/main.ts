/**
 * The decoder's process: whatever a file does to a decoder, it does here. Its owner ends it where it takes too long; it prints
 * nothing and writes nothing.
 */
import process from "node:process";
import type { OpenDocument } from "../kinds/open-document.js";
import { openDocument } from "../kinds/open.js";
import { encodePage } from "./encode-page.js";
import { Fault } from "./fault.js";
import type { Answer, Question } from "./messages.js";
import { readSource } from "./read-source.js";

let current: OpenDocument | undefined;

type Said<T> = T extends unknown ? Omit<T, "memory"> : never;

async function answer(question: Question): Promise<Said<Answer>> {
  switch (question.ask) {
    case "open": {
      close();
      const bytes = await readSource(question.source, question.maxBytes);
      current = await openDocument(bytes, question.options);
      return { is: "opened", opened: { kind: current.kind, pageCount: current.pageCount } };
    }
    case "page":
      if (current === undefined) return { is: "defect" };
      return { is: "page", page: await encodePage(await current.page(question.number)) };
    case "close":
      close();
      return { is: "closed" };
  }
}

function close(): void {
  const closing = current;
  current = undefined;
  closing?.close();
}

function failure(error: unknown): Said<Answer> {
  return error instanceof Fault ? { is: "fault", code: error.code, message: error.message } : { is: "defect" };
}

process.on("message", (question: Question) => {
  void answer(question)
    .catch(failure)
    .then((said) => process.send?.({ ...said, memory: process.memoryUsage.rss() }));
});
process.on("disconnect", () => process.exit());
