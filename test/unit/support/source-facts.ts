/** What tests ask of the source itself. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { packageRoot } from "./fake-binding.js";

const read = (file: string) => readFileSync(path.join(packageRoot, file), "utf8");
const parse = (file: string) => ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);

function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node);
  ts.forEachChild(node, (child) => visit(child, look));
}

/** The properties that an interface declares itself. */
export function fieldsOf(file: string, name: string): string[] {
  const fields: string[] = [];
  visit(parse(file), (node) => {
    if (!ts.isInterfaceDeclaration(node) || node.name.text !== name) return;
    for (const member of node.members) if (ts.isPropertySignature(member)) fields.push(member.name.getText());
  });
  return fields;
}

/** The texts that a property of this name has as its type, in the interfaces of a file. */
export function literalsOf(file: string, property: string): string[] {
  const literals: string[] = [];
  visit(parse(file), (node) => {
    if (!ts.isPropertySignature(node) || node.name.getText() !== property || node.type === undefined) return;
    if (ts.isLiteralTypeNode(node.type) && ts.isStringLiteral(node.type.literal)) literals.push(node.type.literal.text);
  });
  return literals;
}

/** The core's codes, and whether each is retryable: IsRetryable of native/src/base/status.cc. */
function nativeCodes(): Map<string, boolean> {
  const source = read("native/src/base/status.cc");
  const body = source.slice(source.indexOf("bool IsRetryable"));
  const retryable = new Set([...body.matchAll(/Code::(k\w+)/g)].map(([, name]) => name!));
  const names = [...source.matchAll(/case Code::(k\w+):\s+return "(\w+)";/g)];
  return new Map(names.filter(([, , code]) => code !== "OK").map(([, name, code]) => [code!, retryable.has(name!)]));
}

/** `Fault` becomes a DocumentError of the same code, which is not retryable. */
const errorClasses = ["MedInferError", "DocumentError", "Fault"];

/** What is said of `retryable` at each place of a folder that makes an error of a code named there. */
function thrownIn(folder: string): [code: string, retryable: "yes" | "no" | "sometimes"][] {
  const found: [string, "yes" | "no" | "sometimes"][] = [];
  const files = readdirSync(path.join(packageRoot, folder), { recursive: true, encoding: "utf8" });
  for (const file of files.filter((name) => name.endsWith(".ts"))) {
    visit(parse(path.join(folder, file)), (node) => {
      if (!ts.isNewExpression(node) || !errorClasses.includes(node.expression.getText())) return;
      const [code, , options] = node.arguments ?? [];
      if (code === undefined || !ts.isStringLiteral(code)) return;
      const given =
        options !== undefined && ts.isObjectLiteralExpression(options)
          ? options.properties.find((each) => each.name?.getText() === "retryable")
          : undefined;
      const value = given !== undefined && ts.isPropertyAssignment(given) ? given.initializer.getText() : "";
      found.push([code.text, given === undefined ? "no" : value === "true" ? "yes" : "sometimes"]);
    });
  }
  return found;
}

/** Of each code whether its errors are retryable, wherever they are made. */
export function retryableByCode(): Record<string, "yes" | "no" | "sometimes"> {
  const all = new Map<string, Set<string>>();
  const note = (code: string, retryable: string) => all.set(code, (all.get(code) ?? new Set()).add(retryable));
  for (const [code, retryable] of nativeCodes()) note(code, retryable ? "yes" : "no");
  for (const folder of ["lib", "packages/documents/src"]) {
    for (const [code, retryable] of thrownIn(folder)) note(code, retryable);
  }
  return Object.fromEntries(
    Array.from(all, ([code, said]) => {
      const [only] = said;
      return [code, said.size === 1 ? (only as "yes" | "no" | "sometimes") : "sometimes"];
    }),
  );
}
