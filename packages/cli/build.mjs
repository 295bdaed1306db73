// What the compiled program needs beside itself: called by scripts/build-ts.mjs behind the compiler.
import { cpSync } from "node:fs";
import { fileURLToPath } from "node:url";

const pictures = fileURLToPath(new URL("../../examples/prescriptions/", import.meta.url));
const target = fileURLToPath(new URL("./dist/prescriptions/", import.meta.url));
cpSync(pictures, target, { recursive: true, filter: (name) => !name.endsWith(".json") });
