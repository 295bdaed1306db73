/** Holds lib/native/types.ts against bindings/, name by name. */
import { readCcSurface, readCodes, type CcField, type CcFunction } from "./surface-cc.js";
import { readTsSurface, type TsField, type TsFunction, type TsSurface } from "./surface-ts.js";

export interface SurfaceSources {
  /** Of bindings/, by file name. */
  cc: Readonly<Record<string, string>>;
  /** Of native/src/base/status.cc. */
  status: string;
  /** lib/native/types.ts and what it imports of other types. */
  ts: readonly string[];
  nativeCodes: readonly string[];
}

/** Which type is read or written by which variable of which function. */
const pairs: Readonly<Record<string, string>> = {
  "ToLoadOptions.fields": "NativeLoadOptions",
  "ToPromptPart.fields": "NativePromptPart",
  "ToRequest.fields": "NativeRequest",
  "ToReasoningTags.tags": "NativeReasoningTags",
  "ToRequest.limit": "NativeReasoningLimit",
  "ToEmbedRequest.fields": "NativeEmbedRequest",
  "ToRequest.adapter": "NativeRequest.adapters",
  "ToChatMessages.fields": "NativeAddon.applyBuiltinChatTemplate.messages",
  "ToSampling.fields": "NativeSampling",
  "ReadBiases.fields": "NativeSampling",
  "ReadPenaltyPrompt.fields": "NativeSampling",
  "ReadBiases.bias": "NativeSampling.tokenIdBias",
  "ReadBiases.bias#2": "NativeSampling.tokenBias",
  "ToInspectRequest.fields": "NativeInspectRequest",
  "ToJs(DeviceMemory).object": "NativeModelInfo.memory",
  "ToJs(ProjectorInfo).object": "NativeModelInfo.projector",
  "ToJs(ProjectorInfo).layers": "NativeModelInfo.projector.layers",
  "ToJs(InfillTokens).object": "NativeModelInfo.infill",
  "ToJs(ModelInfo).object": "NativeModelInfo",
  "ToJs(ModelInfo).entry": "NativeModelInfo.endTokens",
  "ToJs(KvStats).object": "NativeStats.kv",
  "ToJs(Stats).object": "NativeStats",
  "ToJs(DeviceInfo).object": "NativeDevice",
  "ToJs(Inspection).stage": "NativeInspection.stages",
  "ToJs(Inspection).object": "NativeInspection",
  "TopToJs.out": "NativeTopLogprob",
  "LogprobsToJs.out": "NativeLogprobs",
  "PromptLogprobsToJs.out": "NativePromptLogprob",
  "SeenToJs.out": "NativeSeenImage",
  "UsageToJs.out": "NativeUsage",
  "TimingsToJs.out": "NativeTimings",
  "ToJs(ParsedAnswer).object": "NativeParsedAnswer",
  "ToJs(ParsedAnswer).each": "NativeParsedCall",
  "ToAnswerFormatOptions.fields": "NativeAnswerFormatOptions",
  "ToAnswerFormatOptions.tool": "NativeAnswerFormatOptions.tools",
  "FormatToJs.object": "NativeAnswerFormat",
  "MakeChatFormat.object": "NativeChatFormat",
  "operator()(AdapterLoaded).info": "NativeAdapterInfo",
  "Load.load": "NativeLoad",
  "Init.exports": "AddonModule",
};

const known = new WeakMap<object, unknown>();
/** What `read` makes of these sources: a test compares one side with many variants of the other. */
function once<S extends object, T>(sources: S, read: (sources: S) => T): T {
  if (!known.has(sources)) known.set(sources, read(sources));
  return known.get(sources) as T;
}

/** What does not agree; empty: everything does. */
export function compareSurfaces(sources: SurfaceSources): string[] {
  const cc = once(sources.cc, readCcSurface);
  const ts = once(sources.ts, readTsSurface);
  const problems: string[] = [];

  const byType = new Map<string, CcField[]>();
  const ids = cc.objects.get("EventToJs.out") ?? [];
  for (const [key, fields] of cc.objects) {
    const type = pairs[key];
    if (type !== undefined) byType.set(type, [...(byType.get(type) ?? []), ...fields]);
    else if (key !== "EventToJs.out" && !/^operator\(\)\(\w+\)\.out$/.test(key)) {
      problems.push(`${key} is paired with no type`);
    }
  }
  for (const key of Object.keys(pairs)) if (!cc.objects.has(key)) problems.push(`${key} is not in bindings/`);
  for (const [type, fields] of byType) problems.push(...compareFields(type, fields, fieldsAt(ts, type)));

  for (const type of new Set([...cc.events.keys(), ...ts.events.keys()])) {
    const [written, typed] = [cc.events.get(type), ts.events.get(type)];
    if (written === undefined || typed === undefined) problems.push(`the event ${type} is on one side alone`);
    else problems.push(...compareFields(`the event ${type}`, [...ids, ...written], typed));
  }
  const reasons = ts.events.get("done")?.find(({ name }) => name === "finishReason")?.kind ?? "";
  problems.push(...compareNames("finishReason", cc.written.get("FinishReasonName") ?? [], reasons.split("|")));

  problems.push(...compareFunctions("NativeAddon", cc.addon, ts.functions("NativeAddon")));
  problems.push(...compareFunctions("NativeEngine", cc.engine, ts.functions("NativeEngine")));
  problems.push(...compareFunctions("NativeImage", cc.image, ts.functions("NativeImage")));
  const properties = ts.fields("NativeEngine").filter(({ kind }) => kind !== "function");
  problems.push(...compareNames("NativeEngine", cc.engineProperties, properties.map(({ name }) => name))); // prettier-ignore
  const codes = readCodes(sources.status).filter((code) => code !== "OK");
  problems.push(...compareNames("codes", codes, sources.nativeCodes));
  return problems;
}

/** E.g. `NativeRequest.reasoning`, or the parameter of a method: `NativeAddon.load.options`. */
function fieldsAt(ts: TsSurface, path: string): TsField[] {
  const [type, ...steps] = path.split(".");
  const method = ts.fields(type!).find(({ name, kind }) => name === steps[0] && kind === "function");
  if (method !== undefined) {
    const { parameters } = ts.functions(type!).find(({ name }) => name === method.name)!;
    return parameters.find(({ name }) => name === steps[1])?.fields ?? [];
  }
  return steps.reduce<TsField[]>(
    (fields, step) => fields.find(({ name }) => name === step)?.fields ?? [],
    ts.fields(type!),
  );
}

function compareNames(what: string, cc: readonly string[], ts: readonly string[]): string[] {
  const missing = ts.filter((name) => !cc.includes(name)).map((name) => `${what}: ${name} is not in C++`);
  return [...missing, ...cc.filter((name) => !ts.includes(name)).map((name) => `${what}: ${name} is not in a type`)];
}

const sorted = (words: string) => words.split("|").sort().join("|");

function compareFields(what: string, cc: readonly CcField[], ts: readonly TsField[]): string[] {
  const names = (fields: readonly { name: string }[]) => fields.map(({ name }) => name);
  const problems = compareNames(what, names(cc), names(ts));
  for (const field of cc) {
    const typed = ts.find(({ name }) => name === field.name);
    if (typed === undefined) continue;
    const where = `${what}.${field.name}`;
    if (field.optional !== typed.optional) problems.push(`${where} is optional on one side`);
    if (field.nullable !== typed.nullable) problems.push(`${where} is null on one side`);
    if (field.kind !== undefined && sorted(field.kind) !== sorted(typed.kind)) {
      problems.push(`${where}: ${field.kind} in C++, ${typed.kind} in the type`);
    }
  }
  return problems;
}

function compareFunctions(what: string, cc: readonly CcFunction[], ts: readonly TsFunction[]): string[] {
  const names = (functions: readonly { name: string }[]) => functions.map(({ name }) => name);
  const problems = compareNames(what, names(cc), names(ts));
  for (const { name, parameters } of cc) {
    const typed = ts.find((each) => each.name === name);
    if (typed === undefined) continue;
    const differs = parameters.some((each, i) => each !== undefined && each !== typed.parameters[i]?.name);
    if (parameters.length !== typed.parameters.length || differs) {
      const [left, right] = [parameters.map((each) => each ?? "?"), names(typed.parameters)];
      problems.push(`${what}.${name}: (${left.join(", ")}) in C++, (${right.join(", ")}) in the type`);
    }
  }
  return problems;
}
