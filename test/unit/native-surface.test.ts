/** The types of the native surface against the C++ that makes it: neither can change alone. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { nativeCodes } from "../../lib/errors.js";
import { fromRoot } from "../support/paths.mjs";
import { compareSurfaces, type SurfaceSources } from "./support/surface-compare.js";

const textOf = (...names: string[]) => readFileSync(fromRoot(...names), "utf8");

const files = readdirSync(fromRoot("bindings")).filter((name) => /\.(cc|h)$/.test(name));
const sources: SurfaceSources = {
  cc: Object.fromEntries(files.map((name) => [name, textOf("bindings", name)])),
  status: textOf("native", "src", "base", "status.cc"),
  ts: ["types.ts", "model-info.ts"].map((name) => textOf("lib", "native", name)),
  nativeCodes,
};

/** The sources with one text of one file replaced. */
function changed(file: string, from: string | RegExp, to: string): SurfaceSources {
  const replace = (text: string) => {
    const after = text.replace(from, to);
    if (after === text) throw new Error(`${String(from)} is not in ${file}`);
    return after;
  };
  if (file in sources.cc) return { ...sources, cc: { ...sources.cc, [file]: replace(sources.cc[file]!) } };
  if (file === "status.cc") return { ...sources, status: replace(sources.status) };
  const at = ["types.ts", "model-info.ts"].indexOf(file);
  return { ...sources, ts: sources.ts.map((text, i) => (i === at ? replace(text) : text)) };
}

describe("the native surface", () => {
  it("is the same in lib/native/types.ts and in bindings/", () => {
    expect(compareSurfaces(sources)).toEqual([]);
  });

  it.each([
    ["a field that C++ alone reads", changed("convert.cc", `request.keep =`, `fields.Value("extra"); request.keep =`)],
    [
      "a field that C++ alone writes",
      changed("convert.cc", `object["pages"] =`, `object["extra"] = 1; object["pages"] =`),
    ],
    [
      "a field that a type alone has",
      changed("types.ts", "addSpecial: boolean;", "addSpecial: boolean;\n  extra: number;"),
    ],
    ["a field of another kind", changed("types.ts", "nPredict: number;", "nPredict: string;")],
    [
      "a field that C++ reads as another kind",
      changed("convert.cc", /fields\.Integer<std::uint32_t>\("nProbs"\)/, `ToBool(fields.Value("nProbs"), "x")`),
    ],
    ["a field that is optional in a type alone", changed("model-info.ts", "steps: number;", "steps?: number;")],
    [
      "a field that C++ alone leaves out",
      changed("convert.cc", `object["steps"] =`, `if (stats.steps > 0) object["steps"] =`),
    ],
    [
      "a field that is null in C++ alone",
      changed("model-info.ts", "projector: ProjectorInfo | null;", "projector: ProjectorInfo;"),
    ],
    ["a word that C++ alone knows", changed("convert.cc", `"cuda"}`, `"cuda", "vulkan"}`)],
    ["a word that a type alone knows", changed("types.ts", `"DISABLED" | "V1"`, `"DISABLED" | "V0" | "V1"`)],
    ["a reason that C++ alone gives", changed("convert_events.cc", `return "length";`, `return "limit";`)],
    ["an event that C++ alone sends", changed("convert_events.cc", `"type", "saved"`, `"type", "stored"`)],
    ["a method that C++ alone has", changed("engine_handle.cc", `("pause")`, `("halt")`)],
    ["a method that a type alone has", changed("types.ts", "pause(id", "halt(id: RequestId): void;\n  pause(id")],
    ["a parameter of another name", changed("types.ts", "note: string): RequestId", "text: string): RequestId")],
    [
      "a parameter too few",
      changed(
        "types.ts",
        "tokenize(text: string, addSpecial: boolean, parseSpecial: boolean)",
        "tokenize(text: string, addSpecial: boolean)",
      ),
    ],
    ["a function that a type alone has", changed("types.ts", "builtinChatTemplates(): string[];", "")],
    ["a code that C++ alone has", changed("status.cc", `"QUEUE_FULL"`, `"QUEUE_IS_FULL"`)],
    [
      "a struct that nobody has paired",
      changed("convert.cc", "ToChatMessages(Napi::Value value) {", "ToThings(Napi::Value value) {"),
    ],
  ])("is not with %s", (_what, other) => {
    expect(compareSurfaces(other)).not.toEqual([]);
  });

  /** Every name that C++ reads or writes. */
  const names = Object.entries(sources.cc)
    .filter(([file]) => file.startsWith("convert"))
    .flatMap(([file, text]) =>
      [...text.matchAll(/(?:Value|Integer<[\w:]+>|Float|Enum<\w+>|Set)\("(\w+)"|\["(\w+)"\] =/g)].map((match) => ({
        file: path.basename(file),
        at: match.index,
        whole: match[0],
        name: (match[1] ?? match[2])!,
      })),
    );

  it("is not where any of its fields has another name in C++", () => {
    expect(names.length).toBeGreaterThan(150);
    for (const { file, at, whole, name } of names) {
      const text = sources.cc[file]!;
      const renamed = whole.replace(`"${name}"`, `"${name}X"`);
      const cc = { ...sources.cc, [file]: text.slice(0, at) + renamed + text.slice(at + whole.length) };
      expect(compareSurfaces({ ...sources, cc }), `${file}: ${whole}`).not.toEqual([]);
    }
  });

  it("is not where any of its fields or methods has another name in a type, or is gone", () => {
    // Those that the library adds to what the addon says.
    const own = /^ {2}(padToken|adapter|values|tokens|width|cached): /;
    let count = 0;
    sources.ts.forEach((text, i) => {
      const inEmbedding = i === 1 ? text.slice(0, text.indexOf("export interface ImageEmbedding")) : text;
      for (const match of text.matchAll(/^ +(?:readonly )?(\w+)(\??: |\()[^*]*?;$/gm)) {
        if (own.test(match[0]) && (i === 1 || match.index > inEmbedding.length)) continue;
        count++;
        for (const changedTo of [match[0].replace(match[1]!, `${match[1]}X`), ""]) {
          const edited = text.slice(0, match.index) + changedTo + text.slice(match.index + match[0].length);
          const ts = sources.ts.map((each, k) => (k === i ? edited : each));
          expect(compareSurfaces({ ...sources, ts }), match[0]).not.toEqual([]);
        }
      }
    });
    expect(count).toBeGreaterThan(170);
  });
});
