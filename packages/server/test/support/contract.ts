/** The forms that the OpenAPI document says, as checks of what a server answers. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";

import type { Json } from "./running.js";

/** Only fields that a schema names: an answer with more than the document says is as wrong as one with less. */
export function closed(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const open = schema.type !== "object" || schema.properties === undefined || schema.additionalProperties !== undefined;
  return open ? inner : { ...inner, additionalProperties: false };
}

/** One call of a document. */
export interface Operation {
  at: string;
  method?: "get" | "post" | "delete";
}

/** Checks values against a document's forms. Each form is compiled once. */
export class Contract {
  readonly #document: Json;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #checks = new Map<string, ValidateFunction>();

  constructor(document: Json) {
    this.#document = document;
  }

  static async of(url: string): Promise<Contract> {
    return new Contract(await (await fetch(`${url}/openapi.json`)).json());
  }

  /** What is wrong with an answer; empty: nothing. */
  problemsOf({ at, method = "post" }: Operation, answer: Json): string[] {
    return this.#problems(`${method} ${at}`, answer, () => {
      return this.#document.paths[at][method].responses[200].content["application/json"].schema;
    });
  }

  /**
   * The same of an event of a stream.
   *
   * @param data its JSON, or its text where it is none
   */
  problemsOfEvent({ at, method = "post" }: Operation, data: Json): string[] {
    const name = `${method} ${at} event`;
    const { schema } = this.#document.paths[at][method].responses[200].content["text/event-stream"];
    const forms: Json[] = schema.properties.data.anyOf ?? [schema.properties.data];
    if (typeof data === "string") return forms.some((form) => form.const === data) ? [] : [`${name} is no JSON`];
    return this.#problems(name, data, () => forms.find((form) => form.contentSchema !== undefined).contentSchema);
  }

  /** The same of an error. */
  problemsOfError({ at, method = "post" }: Operation, answer: Json): string[] {
    return this.#problems(`${method} ${at} error`, answer, () => {
      const { $ref, content } = this.#document.paths[at][method].responses.default;
      const { schemas } = this.#document.components;
      return $ref === undefined ? content["application/json"].schema : schemas.Error;
    });
  }

  #problems(name: string, value: Json, schemaOf: () => Json): string[] {
    const check = this.#checks.get(name) ?? this.#ajv.compile(closed(schemaOf()));
    this.#checks.set(name, check);
    if (check(value)) return [];
    return (check.errors ?? []).map(({ instancePath, message }) => `${name}${instancePath} ${message}`);
  }
}
