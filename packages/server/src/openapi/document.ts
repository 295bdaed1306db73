/** The OpenAPI 3.1 document: made of the schemas that check requests. */
import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import type { Route } from "../http/route.js";

/** @param version of the server */
export function openApiDocument(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const each of routes) (paths[pathOf(each)] ??= {})[each.method] = operationOf(each);
  return {
    openapi: "3.1.0",
    info: {
      title: "medinfer",
      version,
      description:
        "OpenAI's API, and names of medinfer's own beside it. Names of sampling may also stand at the top of a body in the " +
        "style of Python, e.g. top_k for sampling.topK.",
    },
    paths,
    components: {
      securitySchemes: { key: { type: "http", scheme: "bearer" } },
      schemas: { Error: errorSchema },
      responses: {
        Error: {
          description: "What is wrong, and what to do.",
          content: asJson({ $ref: "#/components/schemas/Error" }),
        },
      },
    },
  };
}

const errorSchema = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["message", "type", "param", "code"],
      properties: {
        message: { type: "string" },
        type: { type: "string" },
        param: { type: ["string", "null"] },
        code: { type: ["string", "null"] },
      },
    },
  },
};

const asJson = (schema: object) => ({ "application/json": { schema } });

/** Hono's `:name` and `:name{.+}` are OpenAPI's `{name}`. */
const pathOf = ({ path }: Route) => path.replace(/:(\w+)(\{[^}]*\})?/g, "{$1}");

function operationOf(each: Route): object {
  const { summary, role, body, answer, answerType, streams, path } = each;
  const parameters = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const content = {
    ...(answerType === undefined
      ? asJson(answer === undefined ? { type: "object" } : jsonSchemaOf(answer))
      : { [answerType]: { schema: { type: "string" } } }),
    // Its events are told in the guide: there is no one schema for their data and [DONE].
    ...(streams ? { "text/event-stream": {} } : {}),
  };
  return {
    summary,
    operationId: `${each.method}${path.replace(/\W+(\w)/g, (_, letter: string) => letter.toUpperCase()).replace(/\W/g, "")}`,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: asJson(jsonSchemaOf(body)) } }),
    ...(role === "anyone" ? { security: [] } : { security: [{ key: [] }] }),
    responses: { 200: { description: "The answer.", content }, default: { $ref: "#/components/responses/Error" } },
  };
}

/** What a schema takes. Checks that are code have no form in JSON Schema and are left out. */
function jsonSchemaOf(schema: v.GenericSchema): object {
  const json = toJsonSchema(schema, {
    target: "draft-2020-12",
    typeMode: "input",
    errorMode: "ignore",
    // A schema that is chosen by its value is documented as that of no value, in its place: references would be the
    // document's. Ours are not recursive.
    overrideSchema: ({ valibotSchema }) => {
      if (valibotSchema.type !== "lazy") return undefined;
      const { getter } = valibotSchema as unknown as v.LazySchema<v.GenericSchema>;
      return jsonSchemaOf(getter(undefined));
    },
    overrideAction: ({ valibotAction, jsonSchema }) => {
      if (valibotAction.type !== "metadata") return undefined;
      const { metadata } = valibotAction as unknown as { metadata: { jsonSchema?: object } };
      return { ...jsonSchema, ...metadata.jsonSchema };
    },
  });
  // OpenAPI 3.1 has the dialect already.
  delete json.$schema;
  delete json.$defs;
  return json;
}
