import type { Command } from "commander";
import type { Engine } from "medinfer";
import { withModel } from "../engine.js";
import { readText } from "../input.js";
import { printJson, printLine } from "../output.js";

interface TokenizeCommandOptions {
  model?: string;
  file?: string;
  addSpecial: boolean;
  parseSpecial: boolean;
  count?: true;
  json?: true;
}

/** `medinfer tokenize` */
export function addTokenize(program: Command): void {
  program
    .command("tokenize")
    .description("show the tokens of a text: ids and pieces")
    .argument("[text]", "the text; without it and --file: stdin")
    .option("--model <file>", "whose vocabulary; default: the model inside the package")
    .option("--file <file>", "a file with the text; - is stdin")
    .option("--add-special", "with the tokens that the vocabulary puts around a text, such as BOS", false)
    .option("--parse-special", "read control tokens in the text, such as </s>, as such", false)
    .option("--count", "print the number of tokens alone")
    .option("--json", "print JSON")
    .action(async (text: string | undefined, options: TokenizeCommandOptions, command: Command) => {
      if (text !== undefined && options.file !== undefined) command.error("a text and --file: leave one of them out");
      const { model, addSpecial, parseSpecial, count, json } = options;
      const given = text ?? (await readText(options.file ?? "-"));
      await withModel(model, (engine) => {
        const ids = engine.tokenize(given, { addSpecial, parseSpecial });
        if (count) return json ? printJson({ count: ids.length }) : printLine(String(ids.length));
        const pieces = piecesOf(engine, ids);
        const tokens = Array.from(ids, (id, i) => ({ id, piece: pieces[i] ?? "" }));
        if (json) return printJson({ count: ids.length, tokens });
        for (const { id, piece } of tokens) printLine(`${id}\t${JSON.stringify(piece)}`);
      });
    });
}

/**
 * The text of each token. A token alone is a whole text to detokenize(), which then has no blank in front; so each is looked
 * at behind another one.
 */
function piecesOf(engine: Engine, ids: Int32Array): string[] {
  const before = engine.tokenize("a");
  const special = true;
  const beginning = engine.detokenize(before, { special });
  const known = new Map<number, string>();
  return Array.from(ids, (id) => {
    let piece = known.get(id);
    if (piece === undefined) {
      const both = engine.detokenize([...before, id], { special });
      piece = both.startsWith(beginning) ? both.slice(beginning.length) : engine.detokenize([id], { special });
      known.set(id, piece);
    }
    return piece;
  });
}
