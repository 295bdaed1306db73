import { fileURLToPath } from "node:url";
import { DocumentReader } from "@medinfer/documents";

const file = process.argv[2] ?? fileURLToPath(new URL("./referral.pdf", import.meta.url));

const reader = new DocumentReader({ dpi: 100 });
for await (const page of reader.pages(file)) {
  const { kind, number, pageCount, mediaType, width, height, text } = page;
  console.log(
    `${kind}, page ${number} of ${pageCount}: ${mediaType}, ${width} x ${height}, ${text?.words.length ?? 0} words`,
  );
}
await reader.close();
