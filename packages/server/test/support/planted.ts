/** Requests with a name in each of their places, made from the API's own document. */
import type { Json } from "./running.js";

/** One request of a walk through the API. */
export interface Planted {
  /** Where the name stands, e.g. `POST /v1/chat/completions messages[].content`. */
  where: string;
  method: string;
  /** Path and query. */
  path: string;
  headers?: Record<string, string>;
  body?: string | FormData | Uint8Array;
}

const MOST_DEEP = 9;

/**
 * @param document as `GET /openapi.json` gives it
 * @param name what is planted
 * @param model a model that is there: without one, no request gets far
 */
export function* plantedRequests(document: Json, name: string, model: string): Generator<Planted> {
  for (const [template, operations] of Object.entries<Json>(document.paths)) {
    for (const [verb, operation] of Object.entries<Json>(operations)) {
      const method = verb.toUpperCase();
      const label = `${method} ${template}`;
      const path = template.replace(/\{\w+\}/g, model);
      const named = template.replace(/\{\w+\}/g, encodeURIComponent(name));
      yield {
        where: `${label}: path and query`,
        method,
        path: `${named}?${encodeURIComponent(name)}=${encodeURIComponent(name)}`,
      };
      for (const each of operation.parameters ?? []) {
        if (each.in !== "query") continue;
        yield { where: `${label}: ?${each.name}`, method, path: `${path}?${each.name}=${encodeURIComponent(name)}` };
      }
      for (const [type, { schema }] of Object.entries<Json>(operation.requestBody?.content ?? {})) {
        if (type.includes("json")) yield* jsonBodies(document, schema, { label, method, path, name, model });
        else yield* otherBodies(type, schema, { label, method, path, name });
      }
      yield {
        where: `${label}: another method`,
        method: method === "GET" ? "DELETE" : "GET",
        path: `${named}?q=${encodeURIComponent(name)}`,
      };
    }
  }
  yield { where: "a path that is none", method: "GET", path: `/${encodeURIComponent(name)}` };
  yield { where: "a path that is no URI", method: "GET", path: `/v1/models/%E0%A4%A${encodeURIComponent(name)}` };
}

interface Place {
  label: string;
  method: string;
  path: string;
  name: string;
  model: string;
}

function* jsonBodies(document: Json, schema: Json, { label, method, path, name, model }: Place): Generator<Planted> {
  const headers = { "content-type": "application/json" };
  const schemas = new Schemas(document, name, model);
  for (const [place, value] of schemas.planted(schema)) {
    for (const body of schemas.variants(schema, value)) {
      yield { where: `${label}: ${place}`, method, path, headers, body: JSON.stringify(body) };
    }
  }
  const whole = JSON.stringify({ model, prompt: name, messages: [{ role: "user", content: name }] });
  const broken = [
    whole.slice(0, -1),
    whole.slice(0, whole.indexOf(name) + name.length),
    `${whole}${name}`,
    name,
    `{"${name}`,
    `{'${name}': 1}`,
    `{"model": "${model}", "input": ${name}}`,
    `"${name}"`,
    `["${name}"]`,
  ];
  for (const body of broken) yield { where: `${label}: broken JSON`, method, path, headers, body };
  const bytes = Buffer.concat([Buffer.from(`{"model": "${name}`), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
  yield { where: `${label}: no UTF-8`, method, path, headers, body: bytes };
  yield { where: `${label}: another type`, method, path, headers: { "content-type": `text/${name}` }, body: name };
}

function* otherBodies(
  type: string,
  schema: Json,
  { label, method, path, name }: Omit<Place, "model">,
): Generator<Planted> {
  yield { where: `${label}: a broken body`, method, path, headers: { "content-type": type }, body: name };
  if (!type.startsWith("multipart/")) return;
  const form = new FormData();
  for (const field of Object.keys(schema?.properties ?? {})) form.append(field, name);
  form.append(name, name);
  form.append("file", new Blob([name], { type: `text/${name}` }), `${name}.jsonl`);
  yield { where: `${label}: a form`, method, path, body: form };
}

/** Values made from JSON schemas: those that fit, and those with a name in one of their places. */
class Schemas {
  readonly #document: Json;
  readonly #name: string;
  readonly #model: string;

  constructor(document: Json, name: string, model: string) {
    this.#document = document;
    this.#name = name;
    this.#model = model;
  }

  /** The smallest that fits. @param key what it is the value of */
  fitting(schema: Json, key = "", depth = 0): Json {
    const own = this.#resolved(schema);
    if (own.const !== undefined) return own.const;
    if (own.enum !== undefined) return own.enum[0];
    const [form] = formsOf(own);
    if (form !== undefined) return this.fitting(form, key, depth + 1);
    switch (typeOf(own)) {
      case "string":
        return key === "model" ? this.#model : "ahh";
      case "number":
      case "integer":
        return own.minimum ?? 1;
      case "boolean":
        return false;
      case "array":
        return depth > MOST_DEEP
          ? []
          : Array.from({ length: Math.max(1, own.minItems ?? 1) }, () => this.fitting(own.items ?? {}, key, depth + 1));
      case "object": {
        const required: string[] = own.required ?? [];
        return Object.fromEntries(
          required.map((each) => [each, this.fitting(own.properties?.[each] ?? {}, each, depth + 1)]),
        );
      }
      default:
        return "ahh";
    }
  }

  /** Values with the name in one place, and that place. */
  *planted(schema: Json, key = "", depth = 0): Generator<[place: string, value: Json]> {
    const name = this.#name;
    if (depth > MOST_DEEP) return;
    const own = this.#resolved(schema);
    const forms = formsOf(own);
    for (const form of forms) yield* this.planted(form, key, depth + 1);
    if (forms.length > 0) return;
    // As it is, and where something else belongs.
    yield ["", name];
    const type = typeOf(own);
    if (type === undefined && own.const === undefined && own.enum === undefined) {
      yield ["{}", { [name]: name }];
      yield ["[]", [name]];
      yield* this.#plantedSchemas();
    }
    if (type === "array") {
      for (const [place, value] of this.planted(own.items ?? {}, key, depth + 1)) yield [`[]${place}`, [value]];
    }
    if (type !== "object") return;
    const base = this.fitting(own, key, depth);
    yield [".(a key)", { ...base, [name]: name }];
    for (const [property, inner] of Object.entries<Json>(own.properties ?? {})) {
      for (const [place, value] of this.planted(inner, property, depth + 1)) {
        yield [`.${property}${place}`, { ...base, [property]: value }];
      }
    }
    if (typeof own.additionalProperties === "object") {
      for (const [place, value] of this.planted(own.additionalProperties, "", depth + 1)) {
        yield [`.*${place}`, { ...base, [name]: value }];
      }
      yield* this.#plantedSchemas();
    }
  }

  /** JSON schemas, good ones and bad ones, for what may be one. */
  *#plantedSchemas(): Generator<[place: string, value: Json]> {
    const name = this.#name;
    const of = (inner: Json) => ({ type: "object", properties: { [name]: inner }, required: [name] });
    const inner = [{ type: "string" }, { type: name }, { enum: [name] }, { const: name }, { pattern: `${name}(` }];
    for (const each of [...inner, { $ref: `#/$defs/${name}` }, { [name]: 1 }, of({ type: name }), { format: name }]) {
      yield [" (a schema)", of(each)];
    }
    yield [" (a schema)", { type: "object", required: [name], additionalProperties: false, properties: { ahh: {} } }];
  }

  /** The value with a short answer, whole and streamed. */
  variants(schema: Json, value: Json): Json[] {
    const { properties = {} } = this.#resolved(schema);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [value];
    const limit = ["max_tokens", "max_output_tokens"].find((each) => each in properties);
    const short = limit === undefined || limit in value ? value : { ...value, [limit]: 2 };
    return "stream" in properties && !("stream" in value) ? [short, { ...short, stream: true }] : [short];
  }

  #resolved(schema: Json): Json {
    let found = schema ?? {};
    for (let hops = 0; typeof found.$ref === "string" && hops < 10; hops++) {
      found =
        found.$ref
          .split("/")
          .slice(1)
          .reduce((at: Json, part: string) => at?.[part], this.#document) ?? {};
    }
    return found;
  }
}

function formsOf({ anyOf, oneOf, allOf }: Json): Json[] {
  return (anyOf ?? oneOf ?? allOf ?? []).filter((each: Json) => each.type !== "null");
}

function typeOf({ type, properties }: Json): string | undefined {
  const one = Array.isArray(type) ? type.find((each) => each !== "null") : type;
  return one ?? (properties === undefined ? undefined : "object");
}
