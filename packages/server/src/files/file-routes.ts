import { pipeline } from "node:stream/promises";
import * as v from "valibot";
import { Problem } from "../http/problem.js";
import { route } from "../http/route.js";
import type { FileStore, StoredFile } from "./file-store.js";
import { pageOf, pageSchema } from "./page.js";
import { readUpload } from "./upload.js";

/** Outputs of batches are made by the server alone. */
const purposes = ["batch", "user_data"];
const MOST_LISTED = 10_000;

const fileSchema = v.object({
  id: v.string(),
  object: v.literal("file"),
  bytes: v.number(),
  created_at: v.number(),
  expires_at: v.null(),
  filename: v.string(),
  purpose: v.string(),
  status: v.literal("processed"),
});

const uploadSchema = v.object({
  file: v.pipe(v.unknown(), v.metadata({ jsonSchema: { type: "string", format: "binary" } })),
  purpose: v.picklist(purposes),
});

const deletedSchema = v.object({ id: v.string(), object: v.literal("file"), deleted: v.literal(true) });

/** What routes of files are made of. */
export interface FileRouteParts {
  store: FileStore;
  /** Most bytes of a file. */
  limit: number;
  /** What still reads a file, by its id; undefined: nothing. */
  readerOf: (tenant: string, id: string) => Promise<string | undefined>;
}

/** /v1/files: a tenant's own. */
export function fileRoutes({ store, limit, readerOf }: FileRouteParts) {
  return [
    route({
      method: "post",
      path: "/v1/files",
      summary: "Stores a file: a form with the fields file and purpose.",
      role: "user",
      form: uploadSchema,
      answer: fileSchema,
      handle: ({ incoming, who }) =>
        readUpload(incoming, limit, async ({ filename, content, fields }) => {
          const describe = () => {
            const { purpose, ...others } = fields();
            refuseOthers(Object.keys(others));
            return { filename, purpose: purposeOf(purpose) };
          };
          return shown(await store.add(who.tenant, content, describe));
        }),
    }),
    route({
      method: "get",
      path: "/v1/files",
      summary: "The files, newest first.",
      role: "user",
      answer: pageSchema(fileSchema),
      handle: async ({ who, query }) => {
        const purpose = query.get("purpose");
        const files = (await store.list(who.tenant)).filter((file) => purpose === null || file.purpose === purpose);
        return pageOf(files.map(shown), query, MOST_LISTED);
      },
    }),
    route({
      method: "get",
      path: "/v1/files/:file",
      summary: "What is known of a file.",
      role: "user",
      answer: fileSchema,
      handle: async ({ who, params }) => shown(await store.find(who.tenant, params.file!)),
    }),
    route({
      method: "get",
      path: "/v1/files/:file/content",
      summary: "The bytes of a file.",
      role: "user",
      answerType: "application/octet-stream",
      handle: async ({ who, params, outgoing }) => {
        const { bytes } = await store.find(who.tenant, params.file!);
        const content = await store.read(who.tenant, params.file!);
        outgoing.writeHead(200, {
          "content-type": "application/octet-stream",
          "content-length": bytes,
          "content-disposition": "attachment",
          "x-content-type-options": "nosniff",
        });
        await pipeline(content, outgoing).catch((error: NodeJS.ErrnoException) => {
          // The client is gone: nobody is left to tell, and nothing is wrong with the server.
          if (error.code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
        });
      },
    }),
    route({
      method: "delete",
      path: "/v1/files/:file",
      summary: "Deletes a file.",
      role: "user",
      answer: deletedSchema,
      handle: async ({ who, params }) => {
        const reader = await readerOf(who.tenant, params.file!);
        if (reader !== undefined) throw inUse(reader);
        await store.delete(who.tenant, params.file!);
        return { id: params.file, object: "file", deleted: true };
      },
    }),
  ];
}

/** Clients ask again by themselves where something is at odds, and a batch takes longer than that. */
function inUse(reader: string): Problem {
  return new Problem(409, "file_in_use", `${reader} reads this file: wait for its end, or cancel it`, {
    param: "file_id",
    headers: { "x-should-retry": "false" },
  });
}

/** A field that is passed over in silence is taken for one that is kept. Its name is its sender's, and may be a patient's. */
function refuseOthers(names: readonly string[]): void {
  const [name] = names;
  if (name === undefined) return;
  if (names.some((each) => /^expires_after\b/.test(each))) {
    const what = "expires_after is not supported: delete the file when it is not needed any more";
    throw new Problem(400, "invalid_value", `the form: ${what}`, { param: "expires_after" });
  }
  throw new Problem(400, "invalid_value", "the form: a field is unknown: it takes file and purpose");
}

function purposeOf(purpose: string | undefined): string {
  if (purpose !== undefined && purposes.includes(purpose)) return purpose;
  throw new Problem(400, "invalid_value", `the form: purpose must be ${purposes.join(" or ")}`, { param: "purpose" });
}

function shown({ id, bytes, createdMs, filename, purpose }: StoredFile) {
  return {
    id,
    object: "file",
    bytes,
    created_at: Math.floor(createdMs / 1000),
    expires_at: null,
    filename,
    purpose,
    status: "processed",
  };
}
