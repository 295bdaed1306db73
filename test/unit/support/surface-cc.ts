/** What bindings/ reads and writes of JavaScript values, taken from its text. */

/** A field as the C++ side treats it. */
export interface CcField {
  name: string;
  /** Whether it is written under a condition. */
  optional: boolean;
  /** Whether null is taken or written. */
  nullable: boolean;
  /** As far as the text says: `string`, `number`, `boolean`, `array`, `Int32Array` …, or the words of an enum. */
  kind: string | undefined;
}

/** A function that JavaScript calls. */
export interface CcFunction {
  name: string;
  /** By place; undefined where the text does not name one. */
  parameters: (string | undefined)[];
}

export interface CcSurface {
  /** Fields by who reads or writes them: `function.variable`, with a number for the second variable of that name. */
  objects: Map<string, CcField[]>;
  /** By event type. */
  events: Map<string, CcField[]>;
  addon: CcFunction[];
  engine: CcFunction[];
  image: CcFunction[];
  /** Of the engine, beside its methods. */
  engineProperties: string[];
  /** Words of enums that are written. */
  written: Map<string, string[]>;
}

interface Body {
  name: string;
  parameters: string;
  text: string;
}

/** The functions of a file, lambdas left in their bodies. */
function functionsOf(source: string): Body[] {
  const text = source.replace(/\/\/.*$/gm, "").replace(/^#.*$/gm, "");
  const head = /(operator\(\)|[A-Za-z_][\w:]*)\(([^;{}]*?)\)\s*(?:const\s*)?(?:->[^{;]*)?\{/g;
  const found: Body[] = [];
  for (let match = head.exec(text); match !== null; match = head.exec(text)) {
    const name = match[1]!;
    if (/^(if|for|while|switch|catch)$/.test(name)) continue;
    let depth = 1;
    let end = head.lastIndex;
    for (; depth > 0 && end < text.length; end++) depth += text[end] === "{" ? 1 : text[end] === "}" ? -1 : 0;
    found.push({ name, parameters: match[2]!, text: text.slice(head.lastIndex, end - 1) });
    head.lastIndex = end;
  }
  return found;
}

const kinds: Record<string, string> = {
  ToString: "string",
  ToPath: "string",
  ToBool: "boolean",
  ToFunction: "function",
  ToImageFile: "Uint8Array",
  ToTokens: "Int32Array",
  ToFloats: "Float32Array",
  ToStrings: "array",
  ToPrompt: "array",
  ForEach: "array",
  ToSampling: "object",
};

/** The arrays of words, by name. */
function wordsOf(source: string): Map<string, string> {
  const arrays = source.matchAll(/constexpr std::array (\w+) = \{([^}]*)\}/g);
  return new Map(
    Array.from(arrays, ([, name, list]) => [name!, [...list!.matchAll(/"(\w+)"/g)].map(([, word]) => word).join("|")]),
  );
}

/** E.g. `ToJs(ModelInfo)`: overloads differ in what they convert. */
function titleOf({ name, parameters }: Body): string {
  const converted = /const (?:std::vector<)?(\w+)>?&/.exec(parameters)?.[1];
  return /^(ToJs|operator\(\))$/.test(name) ? `${name}(${converted})` : name;
}

function readFields(body: Body, words: Map<string, string>, objects: Map<string, CcField[]>): void {
  const title = titleOf(body);
  const declared = new Map<string, { at: number; key: string }[]>();
  const declare = (name: string, at: number) => {
    const before = declared.get(name) ?? [];
    const key = `${title}.${name}${before.length === 0 ? "" : `#${before.length + 1}`}`;
    declared.set(name, [...before, { at, key }]);
  };
  const parameter = /const Fields& (\w+)/.exec(body.parameters);
  if (parameter !== null) declare(parameter[1]!, -1);
  for (const match of body.text.matchAll(/const Fields (\w+)\(/g)) declare(match[1]!, match.index);
  const read = /(?:(\w+)\(\s*)?(\w+)\.(Value|Integer<[\w:]+>|Float|Enum<\w+>)\("(\w+)"(?:, (\w+))?/g;
  for (const match of body.text.matchAll(read)) {
    const [, call = "", variable, how, name, array = ""] = match;
    const scope = declared.get(variable!)?.findLast((each) => each.at < match.index);
    if (scope === undefined) throw new Error(`${title}: nothing is known of ${variable}`);
    const kind = how === "Value" ? kinds[call] : how!.startsWith("Enum") ? words.get(array) : "number";
    const nullable = new RegExp(`Value\\("${name}"\\)(\\.IsNull|;\\s*if \\(\\w+\\.IsNull)`).test(body.text);
    add(objects, scope.key, { name: name!, optional: false, nullable, kind });
  }
}

function writeFields(body: Body, objects: Map<string, CcField[]>): void {
  const title = titleOf(body);
  const conditions: boolean[] = [];
  const declaredAt = new Map<string, number>();
  for (const line of body.text.split("\n")) {
    const declared = /(?:Napi::Object (\w+) =|ObjectWriter (\w+)\()/.exec(line);
    if (declared !== null) declaredAt.set((declared[1] ?? declared[2])!, conditions.length);
    const write = /(\w+)(?:\["(\w+)"\] =|\.Set\("(\w+)",) ?(.*)/.exec(line);
    if (write !== null) {
      const [, variable, assigned, set, value = ""] = write;
      const kind = /^static_cast<double>/.test(value) ? "number" : undefined;
      const since = declaredAt.get(variable!) ?? 0;
      const optional = /^\s*if \(/.test(line) || conditions.slice(since).includes(true);
      const nullable = value.includes("env.Null()");
      add(objects, `${title}.${variable}`, { name: (assigned ?? set)!, optional, nullable, kind });
    }
    for (const character of line) {
      if (character === "{") conditions.push(/^\s*if \(/.test(line));
      if (character === "}") conditions.pop();
    }
  }
}

function add(objects: Map<string, CcField[]>, key: string, field: CcField): void {
  const fields = objects.get(key) ?? [];
  const known = fields.find(({ name }) => name === field.name);
  if (known === undefined) fields.push(field);
  else known.kind ??= field.kind; // read twice: as null, and as what it is
  objects.set(key, fields);
}

function parametersOf(body: Body | undefined): (string | undefined)[] {
  if (body === undefined) throw new Error("a method has no body");
  const parameters: (string | undefined)[] = [];
  for (const [, place, name] of body.text.matchAll(/info\[(\d)\](?:, "(\w+)")?/g)) parameters[Number(place)] ??= name;
  return Array.from(parameters);
}

/** @param files the text of each file of bindings/, by name */
export function readCcSurface(files: Readonly<Record<string, string>>): CcSurface {
  const objects = new Map<string, CcField[]>();
  const events = new Map<string, CcField[]>();
  const written = new Map<string, string[]>();
  const bodies: Body[] = [];
  for (const [file, source] of Object.entries(files)) {
    const words = wordsOf(source);
    const functions = functionsOf(source);
    bodies.push(...functions);
    for (const body of functions) {
      if (file.startsWith("convert")) readFields(body, words, objects);
      writeFields(body, objects);
      if (body.name === "FinishReasonName") {
        const values = [...body.text.matchAll(/case [\w:]+:\s*return "(\w+)"/g)].map(([, word]) => word!);
        written.set(body.name, values);
      }
      const type = /out\.Set\("type", "(\w+)"\)/.exec(body.text)?.[1];
      if (type !== undefined) events.set(type, objects.get(`${titleOf(body)}.out`)!);
    }
  }
  const bodyOf = (name: string) => bodies.find((body) => body.name === name);
  const all = Object.values(files).join("\n");
  const define = [...all.matchAll(/\bDefine<(\w+)>\(target, "(\w+)"/g)];
  const methods = [...all.matchAll(/InstanceMethod<&((\w+)::\w+)>\("(\w+)"\)/g)];
  const methodsOf = (handle: string) =>
    methods
      .filter(([, , owner]) => owner === handle)
      .map(([, body, , name]) => ({ name: name!, parameters: parametersOf(bodyOf(body!)) }));
  const toFunction = ([, body, name]: RegExpExecArray) => ({ name: name!, parameters: parametersOf(bodyOf(body!)) });
  return {
    objects,
    events,
    written,
    addon: define.map(toFunction),
    engine: methodsOf("EngineHandle"),
    image: methodsOf("ImageHandle"),
    engineProperties: [...all.matchAll(/PropertyDescriptor::Value\("(\w+)", ToJs/g)].map(([, name]) => name!),
  };
}

/** The codes of errors, from the text of the core's status.cc. */
export function readCodes(source: string): string[] {
  return [...source.matchAll(/case Code::k\w+:\s*return "(\w+)"/g)].map(([, code]) => code!);
}
