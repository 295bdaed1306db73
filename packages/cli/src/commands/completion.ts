import { Argument, type Command } from "commander";
import { scripts } from "../completion/scripts.js";
import { suggest } from "../completion/suggest.js";
import { printLine, printText } from "../output.js";

const examples = `
Examples:
  bash, in ~/.bashrc:              source <(medinfer completion bash)
  zsh, in ~/.zshrc, at its end:    source <(medinfer completion zsh)
  fish:                            medinfer completion fish > ~/.config/fish/completions/medinfer.fish`;

/** `medinfer completion`: a script for a shell, which then asks `medinfer completion suggest -- WORDS`. */
export function addCompletion(program: Command): void {
  program
    .command("completion")
    .description("print a script by which a shell completes commands and flags")
    .addArgument(new Argument("<shell>", "which").choices(Object.keys(scripts)))
    .addHelpText("after", examples)
    .action((shell: string) => printText(scripts[shell]!))
    .command("suggest", { hidden: true })
    .argument("[words...]")
    .action((words: string[]) => {
      for (const { value, description } of suggest(program, words)) printLine(`${value}\t${description}`);
    });
}
