// node test/truth/check.mjs OUT FAMILY...: what was made before, compared, in words. For finding what is wrong.
import path from "node:path";

import { compare } from "./compare.mjs";

const [out, ...families] = process.argv.slice(2);
for (const family of families) {
  try {
    const { features, misfits, logits } = await compare(path.join(out, family), path.join(out, "pictures"));
    const words = Object.entries(features).map(([name, error]) => `${name} ${error.toExponential(1)}`);
    console.log(`${family}: ${words.join(", ")}${logits === null ? "" : `; logits ${logits.toExponential(1)}`}`);
    for (const misfit of misfits) console.log(`  ${misfit}`);
  } catch (error) {
    console.log(`${family}: ${error.code} ${error.message}`);
  }
}
