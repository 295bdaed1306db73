import process from "node:process";
import { addKey, readKeys, revokeKey, type KeyEntry, type NewKey } from "@medinfer/server";
import type { Command } from "commander";
import { printJson, printLine, printTable } from "../output.js";

interface AddOptions {
  tenant: string;
  role?: KeyEntry["roles"];
  certificate?: string;
}

const collect = (value: string, values: string[] = []) => [...values, value];

/** `medinfer keys` */
export function addKeys(program: Command): void {
  const keys = program
    .command("keys")
    .description("make, list and revoke the keys of a server")
    .addHelpText("after", examples);
  keys
    .command("add")
    .description("add a key to a file, and print the key: it cannot be shown again")
    .argument("<file>", "made where there is none")
    .argument("<name>", "what logs call the key: 1 to 64 of letters, digits and . _ - @")
    .option("--tenant <name>", "who shares its limits and cached prompts", "default")
    .option("--role <role>", "user, admin or metrics; can be repeated; default: user", collect)
    .option("--certificate <subject>", 'a client certificate in place of a key, by its subject, e.g. "CN=ward-3"')
    .action(add);
  keys
    .command("list")
    .description("list the keys of a file by their names: the file has no keys, and their digests are not shown")
    .argument("<file>")
    .option("--json", "print them with their tenants' limits")
    .action(list);
  keys
    .command("revoke")
    .description("remove a key; a server that runs refuses it within two seconds")
    .argument("<file>")
    .argument("<name>")
    .action((file: string, name: string) => revokeKey(file, name));
}

const examples = `
Examples:
  medinfer keys add keys.json ward-3 --tenant cardiology
  medinfer keys add keys.json operator --role admin --role metrics
  medinfer keys list keys.json
  medinfer keys revoke keys.json ward-3
  medinfer serve --keys keys.json --host 0.0.0.0`;

function add(file: string, name: string, { tenant, role = ["user"], certificate }: AddOptions): void {
  const entry: NewKey = { name, tenant, roles: role, ...(certificate === undefined ? {} : { certificate }) };
  const key = addKey(file, entry);
  if (key === undefined) process.stderr.write("medinfer: its certificate is the key\n");
  else printLine(key);
}

function list(file: string, { json }: { json?: true }): void {
  const { keys, tenants } = readKeys(file);
  const shown = keys.map(({ sha256, ...rest }) => ({ ...rest, key: sha256 !== undefined }));
  if (json) printJson({ keys: shown, tenants });
  else {
    printTable(shown.map((each) => [each.name, each.tenant, each.roles.join(","), each.certificate ?? "key"]));
  }
}
