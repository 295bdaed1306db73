import process from "node:process";
import { Option, type Command } from "commander";
import { Server } from "../remote/server.js";
import { kebab } from "./settings.js";
import { modelFlagNames } from "./model-flags.js";

/** Lets a command use a medinfer server in place of a model of its own. */
export function addServerFlags(command: Command): Command {
  const url = new Option("--url <url>", "ask this medinfer server, and load no model; --model is then a name there");
  return command.addOption(url.env("MEDINFER_URL").helpGroup("Server (MEDINFER_API_KEY is its key):"));
}

/** The server that the flags, the environment or the config file name; undefined: none. */
export function namedServer(command: Command): Server | undefined {
  const { url = "" } = command.opts<{ url?: string }>();
  if (url === "") return undefined;
  const useless = modelFlagNames.find((name) => command.getOptionValueSource(name) === "cli");
  if (useless !== undefined)
    command.error(`--${kebab(useless)} is of a model that is loaded here: leave it out beside --url`);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    command.error("--url takes an address such as http://127.0.0.1:8080");
  }
  if (new URL(url).username !== "") command.error("--url takes no password: a server's key is in MEDINFER_API_KEY");
  return new Server(url, process.env.MEDINFER_API_KEY);
}
