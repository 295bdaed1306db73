// The ES module entry takes its names from the CommonJS one, so that both are the same classes: called by
// scripts/build-ts.mjs behind the compiler.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const names = Object.keys(createRequire(import.meta.url)("./dist/index.js")).sort();
const entry = `import api from "./index.js";\n\nexport const { ${names.join(", ")} } = api;\n`;
writeFileSync(new URL("./dist/index.mjs", import.meta.url), entry);
writeFileSync(new URL("./dist/index.d.mts", import.meta.url), 'export * from "./index.js";\n');
