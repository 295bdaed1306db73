/** Random texts of grammars, by llama.cpp's own parser: what a model could say at worst. */
import { spawnSync } from "node:child_process";
import { tool } from "../../support/tools.mjs";

/** `count` texts of each grammar, the same ones for the same seed. */
export function randomAnswers(grammars: readonly string[], count: number, seed = 1): string[][] {
  const { status, stdout, stderr } = spawnSync(tool("random_answers"), [String(count), String(seed)], {
    input: grammars.map((grammar) => `${grammar}\0`).join(""),
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(stderr);
  const texts = stdout.split("\0");
  return grammars.map((_grammar, i) => texts.slice(i * count, (i + 1) * count));
}

/** Digits, sign and exponent of a number, written in one way. */
function decimal(text: string): string {
  const [, sign, whole, fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(text)!;
  const digits = (whole! + fraction).replace(/^0+/, "");
  const trimmed = digits.replace(/0+$/, "");
  return `${sign!}${trimmed}e${trimmed === "" ? 0 : Number(exponent) - fraction.length + digits.length - trimmed.length}`;
}

/** The numbers in a JSON text that JavaScript holds otherwise than as they are written. */
export function inexactNumbers(text: string): string[] {
  const numbers = text.replace(/"(?:[^"\\]|\\.)*"/g, '""').match(/-?\d[\d.eE+-]*/g) ?? [];
  return numbers.filter(
    (number) => Object.is(Number(number), -0) || decimal(number) !== decimal(String(Number(number))),
  );
}
