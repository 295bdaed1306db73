/** The OpenAPI 3.1 document: made of the schemas that check requests. */
import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import { errorSchema } from "../http/error-schema.js";
import type { EventForm, Route } from "../http/route.js";

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
      schemas: { Error: jsonSchemaOf(errorSchema) },
      responses: {
        Error: {
          description: "What is wrong, and what to do.",
          content: asJson({ $ref: "#/components/schemas/Error" }),
        },
      },
    },
  };
}

const asJson = (schema: object) => ({ "application/json": { schema } });

/** Hono's `:name` and `:name{.+}` are OpenAPI's `{name}`. */
const pathOf = ({ path }: Route) => path.replace(/:(\w+)(\{[^}]*\})?/g, "{$1}");

function operationOf(each: Route): object {
  const { summary, role, body, form, answer, answerType, event, problemForm, path } = each;
  const parameters = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const content = {
    ...(answer === undefined ? {} : asJson(jsonSchemaOf(answer))),
    ...(answerType === undefined ? {} : { [answerType]: { schema: { type: "string" } } }),
    ...(event === undefined ? {} : { "text/event-stream": { schema: eventSchemaOf(event) } }),
  };
  return {
    summary,
    operationId: `${each.method}${path.replace(/\W+(\w)/g, (_, letter: string) => letter.toUpperCase()).replace(/\W/g, "")}`,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: asJson(jsonSchemaOf(body)) } }),
    ...(form === undefined
      ? {}
      : { requestBody: { required: true, content: { "multipart/form-data": { schema: jsonSchemaOf(form) } } } }),
    ...(role === "anyone" ? { security: [] } : { security: [{ key: [] }] }),
    responses: {
      200: { description: "The answer.", content },
      default:
        problemForm === undefined
          ? { $ref: "#/components/responses/Error" }
          : { description: "What is wrong, and what to do.", content: asJson(jsonSchemaOf(problemForm)) },
    },
  };
}

/** Of one event, as OpenAPI has streams: its data is a text, which holds JSON. */
function eventSchemaOf({ data, last }: EventForm): object {
  const json = { type: "string", contentMediaType: "application/json", contentSchema: jsonSchemaOf(data) };
  return {
    type: "object",
    properties: {
      event: { type: "string" },
      id: { type: "string" },
      data: last === undefined ? json : { anyOf: [json, { const: last }] },
    },
    required: ["data"],
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
      // It has put the metadata itself into the schema, under its name.
      const { jsonSchema: _own, ...rest } = jsonSchema as { jsonSchema?: object };
      return { ...rest, ...metadata.jsonSchema };
    },
  });
  // OpenAPI 3.1 has the dialect already.
  delete json.$schema;
  delete json.$defs;
  return json;
}
