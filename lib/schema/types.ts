/** JSON Schema, and the type of what one describes. */

/** A JSON schema: an object such as `{ type: "object", properties: { age: { type: "integer" } } }`. */
export type JsonSchema = Readonly<Record<string, unknown>>;

type Flatten<T> = { [K in keyof T]: T[K] };

/** Names in `required`; none where there is no such list. */
type Required<S> = S extends { readonly required: readonly (infer K)[] } ? K : never;

type Properties<S> = S extends { readonly properties: infer P }
  ? Flatten<
      { -readonly [K in keyof P as K extends Required<S> ? K : never]: FromSchema<P[K]> } & {
        -readonly [K in keyof P as K extends Required<S> ? never : K]?: FromSchema<P[K]>;
      }
    >
  : S extends { readonly additionalProperties: infer A extends object }
    ? Record<string, FromSchema<A>>
    : Record<string, unknown>;

type Items<S> = S extends { readonly prefixItems: infer T extends readonly unknown[] }
  ? { -readonly [I in keyof T]: FromSchema<T[I]> }
  : S extends { readonly items: infer I }
    ? FromSchema<I>[]
    : unknown[];

type OfType<T, S> = T extends "string"
  ? string
  : T extends "number" | "integer"
    ? number
    : T extends "boolean"
      ? boolean
      : T extends "null"
        ? null
        : T extends "array"
          ? Items<S>
          : T extends "object"
            ? Properties<S>
            : unknown;

/**
 * What a schema describes, for a schema that TypeScript knows to the letter: write it where it is used, or declare it
 * `as const`. `unknown` where it does not, and for `$ref` and `allOf`.
 *
 * @example
 * const schema = { type: "object", properties: { age: { type: "integer" } }, required: ["age"] } as const;
 * type Patient = FromSchema<typeof schema>; // { age: number }
 */
export type FromSchema<S> = S extends { readonly const: infer C }
  ? C
  : S extends { readonly enum: readonly (infer E)[] }
    ? E
    : S extends { readonly anyOf: readonly (infer A)[] } | { readonly oneOf: readonly (infer A)[] }
      ? FromSchema<A>
      : S extends { readonly type: readonly (infer T)[] }
        ? OfType<T, S>
        : S extends { readonly type: infer T }
          ? OfType<T, S>
          : unknown;
