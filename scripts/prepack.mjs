// Before the package is packed: what it carries must be there and up to date.
import { existsSync, readdirSync, rmSync } from "node:fs";

import { buildTypeScript } from "./build-ts.mjs";
import { fetchLlama } from "./fetch-llama.mjs";
import { Failure, runMain } from "./lib/fail.mjs";
import { fromRoot, ownLlamaDir } from "./lib/paths.mjs";

await runMain(async () => {
  if (process.env.MEDINFER_LLAMA_CPP) {
    throw new Failure(`the package carries ${ownLlamaDir}: unset MEDINFER_LLAMA_CPP before packing`);
  }
  await fetchLlama();
  // What was compiled from a file that is gone would be packed too.
  rmSync(fromRoot("dist"), { recursive: true, force: true });
  buildTypeScript();
  if (!readdirSync(fromRoot("models")).some((name) => name.endsWith(".gguf"))) {
    throw new Failure("models/ holds no embedded model");
  }
  if (!existsSync(fromRoot("prebuilds"))) {
    console.error('medinfer: packing without a prebuilt addon ("npm run prebuild" makes one)');
  }
});
