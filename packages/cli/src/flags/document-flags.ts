import process from "node:process";
import type { Command } from "commander";
import { readMessage } from "../input.js";

/** Flags of documents. A password is never one: every user of the host sees command lines. */
export function addDocumentFlags(command: Command): Command {
  return command.option(
    "--password-file <file>",
    "a file with the password of encrypted PDFs; default: MEDINFER_DOCUMENT_PASSWORD's",
  );
}

/** The password of encrypted documents; undefined: none is known. */
export async function documentPassword(passwordFile: string | undefined): Promise<string | undefined> {
  if (passwordFile !== undefined) return readMessage(passwordFile);
  return process.env.MEDINFER_DOCUMENT_PASSWORD || undefined;
}
