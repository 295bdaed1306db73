/** The child process in which rows run that came back after their worker was killed: its own engine, one row at a time. */
import type { Compute } from "@medinfer/batch";
import { Engine } from "medinfer";
import { documentPassword } from "../flags/document-flags.js";
import { engineCompute, type ChildData } from "./computing.js";
import { DocumentPages } from "./document-pages.js";

export async function createCompute(data: ChildData): Promise<Compute> {
  const pages = new DocumentPages(await documentPassword(data.passwordFile));
  return engineCompute(await Engine.load(data.load), pages, data);
}
