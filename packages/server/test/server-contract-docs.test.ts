/** The examples of docs/guide/server-contract.md, run as their reader would run them. */
import path from "node:path";

import { temporaryFolder } from "./support/keys.js";
import { testExamples } from "./support/guide.js";
import { running } from "./support/running.js";

const folder = temporaryFolder();
const { url } = running({ filesFolder: path.join(folder, "files") });

const prints: Record<string, RegExp> = {
  Forms: /^id created model object choices usage service_tier\n\["application\/json","\[DONE\]"\]\n$/,
  Errors: /^\{"error":\{"message":"[^"]*min_tokens must be at most max_tokens \(10\)[^"]*",.*"param":"min_tokens"/,
  "Packed bodies": /^\{"id":"cmpl-.*"completion_tokens":[1-8],/,
  Files: /^\{"id":"file-\w+","object":"file","bytes":2000,/,
};

testExamples("server-contract.md", prints, { url, folder });
