/** What lib/native/types.ts says of the addon, taken from its syntax. */
import ts from "typescript";

/** A field or an event's property as the types have it. */
export interface TsField {
  name: string;
  optional: boolean;
  nullable: boolean;
  /** `string`, `number`, `boolean`, `array`, `function`, `object`, `Int32Array` …, or the words of an enum. */
  kind: string;
  /** Of an object, or of an array's elements: their fields. */
  fields: TsField[] | undefined;
}

export interface TsFunction {
  name: string;
  parameters: { name: string; fields: TsField[] | undefined }[];
}

export interface TsSurface {
  fields(name: string): TsField[];
  functions(name: string): TsFunction[];
  /** By the value of `type`. */
  events: Map<string, TsField[]>;
}

const numbers = ["RequestId", "StateId", "AdapterId"];

/** @param sources the text of each file, in any order */
export function readTsSurface(sources: readonly string[]): TsSurface {
  const interfaces = new Map<string, ts.InterfaceDeclaration>();
  const aliases = new Map<string, ts.TypeNode>();
  for (const source of sources) {
    ts.createSourceFile("a.ts", source, ts.ScriptTarget.ES2022, true).forEachChild((node) => {
      if (ts.isInterfaceDeclaration(node)) interfaces.set(node.name.text, node);
      if (ts.isTypeAliasDeclaration(node)) aliases.set(node.name.text, node.type);
    });
  }

  function fieldsOfType(type: ts.TypeNode): TsField[] | undefined {
    if (ts.isArrayTypeNode(type)) return fieldsOfType(type.elementType);
    if (ts.isTypeLiteralNode(type)) return fieldsOfMembers(type.members);
    if (ts.isUnionTypeNode(type)) {
      const all = type.types.map(fieldsOfType).filter((each) => each !== undefined);
      const merged = new Map(all.flat().map((field) => [field.name, field]));
      return all.length === 0 ? undefined : [...merged.values()];
    }
    if (!ts.isTypeReferenceNode(type)) return undefined;
    const name = type.typeName.getText();
    if (name === "Omit") {
      const [whole, keys] = type.typeArguments!;
      const left = wordsOf(keys!)!;
      return fieldsOfType(whole!)!.filter((field) => !left.includes(field.name));
    }
    const alias = aliases.get(name);
    if (alias !== undefined) return numbers.includes(name) ? undefined : fieldsOfType(alias);
    const known = interfaces.get(name);
    return known === undefined ? undefined : fieldsOfMembers(known.members);
  }

  function fieldsOfMembers(members: ts.NodeArray<ts.TypeElement>): TsField[] {
    return [...members].map((member) => {
      const name = member.name!.getText();
      const optional = member.questionToken !== undefined;
      if (ts.isMethodSignature(member)) {
        return { name, optional, nullable: false, kind: "function", fields: undefined };
      }
      const type = (member as ts.PropertySignature).type!;
      const parts = ts.isUnionTypeNode(type) ? [...type.types] : [type];
      const nullable = parts.some((part) => part.getText() === "null");
      const kept = parts.filter((part) => part.getText() !== "null");
      const words = kept.map(wordsOf);
      const kind = words.every((each) => each !== undefined) ? words.flat().join("|") : kept.map(kindOf).join(" or ");
      return { name, optional, nullable, kind, fields: fieldsOfType(type) };
    });
  }

  function kindOf(type: ts.TypeNode): string {
    if (ts.isArrayTypeNode(type)) return "array";
    if (ts.isFunctionTypeNode(type)) return "function";
    if (ts.isTypeLiteralNode(type)) return "object";
    const text = type.getText();
    if (numbers.includes(text)) return "number";
    return interfaces.has(text) || aliases.has(text) ? "object" : text;
  }

  const events = new Map<string, TsField[]>();
  const union = aliases.get("NativeEvent");
  if (union !== undefined && ts.isUnionTypeNode(union)) {
    for (const member of union.types) {
      const fields = fieldsOfType(member)!;
      events.set(fields.find(({ name }) => name === "type")?.kind ?? "", fields);
    }
  }
  const fields = (name: string) => {
    const known = interfaces.get(name);
    const alias = aliases.get(name);
    const found = known === undefined ? alias && fieldsOfType(alias) : fieldsOfMembers(known.members);
    if (found === undefined) throw new Error(`there is no type ${name}`);
    return found;
  };
  const functions = (name: string) =>
    interfaces
      .get(name)!
      .members.filter(ts.isMethodSignature)
      .map((method) => ({
        name: method.name.getText(),
        parameters: method.parameters.map(({ name, type }) => ({ name: name.getText(), fields: fieldsOfType(type!) })),
      }));
  return { events, fields, functions };
}

/** The words of a type that is one of a few; undefined: it is another. */
function wordsOf(type: ts.TypeNode): string[] | undefined {
  if (ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal)) return [type.literal.text];
  if (!ts.isUnionTypeNode(type)) return undefined;
  const words = type.types.map(wordsOf);
  return words.every((each) => each !== undefined) ? words.flat() : undefined;
}
