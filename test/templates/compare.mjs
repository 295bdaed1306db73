// What Python makes of templates, and what we make of them.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";

import { fromRoot, llamaDir } from "../../scripts/lib/paths.mjs";

/** The time that both sides tell. */
export const now = new Date(2026, 2, 5, 14, 7, 9);

const templatesDir = path.join(llamaDir, "models", "templates");

/** llama.cpp's templates, by file name. */
export function modelTemplates() {
  const names = readdirSync(templatesDir).filter((name) => name.endsWith(".jinja"));
  return new Map(names.sort().map((name) => [name, readFileSync(path.join(templatesDir, name), "utf8")]));
}

/** Eight characters that stand for a text; `refused` stands for none. @param {string | undefined} text */
export function digest(text) {
  if (text === undefined) return refused;
  return createHash("sha256").update(text.toWellFormed()).digest("base64url").slice(0, 8);
}

export const refused = "--------";

/**
 * What Python renders, case by case; undefined where it refuses.
 * @param {string} python
 * @param {{ source: string, variables: object }[]} cases
 * @returns {Promise<(string | undefined)[]>}
 */
export async function renderInPython(python, cases) {
  const child = spawn(python, [fromRoot("test", "templates", "render.py")], { stdio: ["pipe", "pipe", "inherit"] });
  const results = [];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => results.push(JSON.parse(line).text));
  for (const one of cases) {
    if (!child.stdin.write(`${JSON.stringify(one)}\n`)) await once(child.stdin, "drain");
  }
  child.stdin.end();
  const [status] = await once(child, "close");
  if (status !== 0 || results.length !== cases.length)
    throw new Error(`Python ended with ${status} and ${results.length} results`);
  return results;
}

/**
 * Renders one case with a parsed template, or the error that came instead.
 * @param {import("../../lib/chat/jinja/template.js").Template} template
 */
export function renderHere(template, variables) {
  try {
    return { text: template.render(variables, now) };
  } catch (error) {
    if (!/^Template|^Unsupported/.test(error.constructor.name)) throw error;
    return { error };
  }
}
