/** The documentation says what the code does: examples are the files, tables name every option, field and code, links lead on. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, vi } from "vitest";
import { annotateOptionsSchema, annotateRowSchema } from "../../lib/annotate/annotate.js";
import { loadAdapterSchema } from "../../lib/adapters/options.js";
import { adapterSchema } from "../../lib/chat/adapters.js";
import { chatTemplateOptionsSchema } from "../../lib/chat/registry.js";
import { renderOptionsSchema } from "../../lib/chat/schema.js";
import { embedImageOptionsSchema } from "../../lib/embed-image.js";
import { embedOptionsSchema, rerankOptionsSchema } from "../../lib/embed/options.js";
import { inspectOptionsSchema } from "../../lib/inspect-sampling.js";
import { loadOptionsSchema } from "../../lib/options/load-options.js";
import { chatOptionsSchema, completeOptionsSchema, generationEntries } from "../../lib/options/request-options.js";
import { applyOptionsSchema } from "../../lib/requests/prepare.js";
import { scoreChatSchema, scorePromptSchema, sessionScoreSchema } from "../../lib/score/options.js";
import { samplingKeys } from "../../lib/sampling/schema.js";
import { sessionChatSchema, sessionOptionsSchema } from "../../lib/session/options.js";
import { detokenizeOptionsSchema, tokenizeOptionsSchema } from "../../lib/tokens.js";
import { packageRoot } from "./support/fake-binding.js";
import { findLinks, fragmentsOf, rowsOf, sectionOf } from "./support/markdown.js";
import { fieldsOf, literalsOf, retryableByCode } from "./support/source-facts.js";

vi.mock("../../lib/native/addon.js", () => import("./support/fake-binding.js"));

const read = (file: string) => readFileSync(path.join(packageRoot, file), "utf8");
const filesIn = (folder: string, ending: string) =>
  readdirSync(path.join(packageRoot, folder), { recursive: true, encoding: "utf8" })
    .map((name) => path.posix.join(folder, name.split(path.sep).join("/")))
    .filter((name) => name.endsWith(ending))
    .sort();

const readme = read("README.md");
const guide = filesIn("docs/guide", ".md");

describe("examples", () => {
  const pages = ["README.md", ...guide];
  const shown = pages.flatMap((page) =>
    [...read(page).matchAll(/^`((?:packages\/\w+\/)?examples\/[\w.-]+)`\n\n```js\n([\s\S]*?)```/gm)].map(
      ([, file, code]) => ({
        page,
        file: file!,
        code: code!,
      }),
    ),
  );

  it.each(shown)("$page shows $file as it is", ({ file, code }) => {
    expect(code).toBe(read(file));
  });

  it("are each shown once, and the README runs the demo", () => {
    const files = readdirSync(path.join(packageRoot, "examples")).filter((name) => /\.[cm]js$/.test(name));
    const all = files.map((name) => `examples/${name}`);
    // Those of a package are run by tests of its own.
    const ours = shown.map(({ file }) => file).filter((file) => !file.startsWith("packages/"));
    expect(ours.sort()).toEqual(all.sort());
    expect(readme).toContain("npm run demo");
  });

  it("are all the code that is shown, so that all of it runs", () => {
    // Those of the server are run by tests of its package.
    for (const page of pages.filter((each) => !each.startsWith("docs/guide/server-"))) {
      const blocks = read(page).match(/^```(js|ts|javascript|typescript)$/gm) ?? [];
      expect(blocks, page).toHaveLength(shown.filter((each) => each.page === page).length);
    }
  });
});

describe("the README", () => {
  it("has at most 150 lines", () => {
    expect(readme.trimEnd().split("\n").length).toBeLessThanOrEqual(150);
  });

  it("leads to every page of the guide and of the reference", () => {
    const targets = findLinks(readme).map(({ file }) => file);
    for (const page of [...guide, ...filesIn("docs/reference", ".md")]) expect(targets).toContain(page);
  });

  it("is packed with the pages that users need", () => {
    const { files } = JSON.parse(read("package.json")) as { files: string[] };
    expect(files).toEqual(expect.arrayContaining(["docs/guide", "docs/reference", "SECURITY.md"]));
  });
});

describe("docs/reference/options.md", () => {
  const options = read("docs/reference/options.md");
  const keys = (schema: { entries: object }) => Object.keys(schema.entries);
  const kvKeys = Object.keys(loadOptionsSchema.entries.kv.wrapped.entries).map((key) => `kv.${key}`);
  /** What `annotate` has beside the options of every request. */
  const ofAnnotate = keys(annotateOptionsSchema).filter((key) => !(key in generationEntries));
  const requests = [...new Set([...keys(chatOptionsSchema), ...keys(completeOptionsSchema)])];

  it.each([
    ["`Engine.load(options)`", [...keys(loadOptionsSchema).filter((key) => key !== "kv"), ...kvKeys]],
    // Stands in the row of chatTemplate.
    ["`engine.chat(options)` and `engine.complete(options)`", requests.filter((key) => key !== "useChatTemplate")],
    ["`sampling`", [...samplingKeys]],
    ["`engine.annotate(rows, options)`", ofAnnotate.filter((key) => key !== "useChatTemplate")],
    ["`engine.session(options)`", keys(sessionOptionsSchema)],
    [
      "`engine.embed(texts, options)`, `engine.embedStream(texts, options)` and `engine.rerank(query, documents, options)`",
      [...new Set([...keys(embedOptionsSchema), ...keys(rerankOptionsSchema)])],
    ],
  ])("has a row for each option of %s, and for nothing else", (heading, names) => {
    expect(
      rowsOf(sectionOf(options, heading))
        .map(([name]) => name!.replaceAll("`", ""))
        .sort(),
    ).toEqual(names.sort());
  });

  it.each([
    ["`engine.chat(options)` and `engine.complete(options)`", ["useChatTemplate"]],
    ["`engine.annotate(rows, options)`", ["useChatTemplate"]],
    ["`engine.session(options)`", keys(sessionChatSchema).filter((key) => !(key in generationEntries))],
    ["`engine.score(options)`", [scoreChatSchema, scorePromptSchema, sessionScoreSchema].flatMap(keys)],
    [
      "Other calls of an engine",
      [
        tokenizeOptionsSchema,
        detokenizeOptionsSchema,
        applyOptionsSchema,
        embedImageOptionsSchema,
        loadAdapterSchema,
      ].flatMap(keys),
    ],
    [
      "Without an engine",
      [renderOptionsSchema, chatTemplateOptionsSchema, adapterSchema, inspectOptionsSchema].flatMap(keys),
    ],
  ])("names the other options of %s", (heading, names) => {
    const section = sectionOf(options, heading);
    for (const name of names) expect(section, name).toMatch(new RegExp(`[\`{ ]${name}\\b`));
  });

  it("names the keys of a row to annotate", () => {
    const section = sectionOf(options, "`engine.annotate(rows, options)`");
    for (const name of keys(annotateRowSchema)) expect(section).toMatch(new RegExp(`\\b${name}\\?`));
  });
});

describe("docs/reference/events.md", () => {
  const events = read("docs/reference/events.md");
  const types = "lib/generation/types.ts";
  const named = (section: string) => rowsOf(section).map(([name]) => name!.replaceAll("`", ""));

  it("has a row for each event", () => {
    const ofTypes = [...new Set(literalsOf(types, "type"))];
    expect(named(events.slice(0, events.indexOf("\n## "))).sort()).toEqual(ofTypes.sort());
  });

  it.each([
    ["A result", "GenerationResult"],
    ["`usage`", "Usage"],
    ["`timings`", "Timings"],
  ])("has a row for each field of %s", (heading, type) => {
    expect(named(sectionOf(events, heading)).sort()).toEqual(fieldsOf(types, type).sort());
  });
});

describe("docs/reference/errors.md", () => {
  const rows = rowsOf(read("docs/reference/errors.md")).map(([code, , retryable]) => ({
    code: code!.replaceAll("`", ""),
    retryable: retryable!.match(/^\w+/)?.[0],
  }));

  it("lists every error code, as the type does", () => {
    const inDocs = [...read("lib/errors.ts").matchAll(/^ \* \| `([A-Z_]+)` \|/gm)].map(([, code]) => code);
    expect(rows.map(({ code }) => code).sort()).toEqual(inDocs.sort());
  });

  it("says of each whether it is retryable, as the code does", () => {
    expect(Object.fromEntries(rows.map(({ code, retryable }) => [code, retryable]))).toEqual(retryableByCode());
  });
});

describe("docs/architecture.md", () => {
  const architecture = read("docs/architecture.md");

  it("lists the rooms, with what each may include", () => {
    const cmake = read("native/CMakeLists.txt");
    const rooms = new Map<string, { uses: string[]; llama: boolean }>();
    for (const [, name, rest] of cmake.matchAll(/^medinfer_room\((\w+)([^)]*)\)/gm)) {
      const words = rest!.trim().split(/\s+/);
      const llama = words.includes("LLAMA");
      const uses = words.filter((word) => /^[a-z]/.test(word));
      // What the rooms that it uses may include, it may, too; llama.cpp only by itself.
      const all = new Set(uses.flatMap((used) => [...(rooms.get(used)?.uses ?? []), used]));
      rooms.set(name!, { uses: [...rooms.keys()].filter((other) => all.has(other)), llama });
    }
    const expected = Array.from(rooms, ([name, { uses, llama }]) => [
      `\`${name}\``,
      [...uses.map((used) => `\`${used}\``), ...(llama ? ["llama.cpp"] : [])].join(", ") || "nothing",
    ]);
    const listed = rowsOf(sectionOf(architecture, "The rooms of the core"));
    expect(listed.map(([name, , may]) => [name, may])).toEqual(expected);
  });

  it("names every folder of the library", () => {
    const house = sectionOf(architecture, "The library");
    const folders = readdirSync(path.join(packageRoot, "lib"), { withFileTypes: true });
    for (const folder of folders.filter((entry) => entry.isDirectory())) expect(house).toContain(`${folder.name}/`);
  });
});

describe("links", () => {
  const top = readdirSync(packageRoot).filter((name) => name.endsWith(".md"));
  const readmes = [
    "benchmarks",
    "models",
    "native/patches",
    "test/schemas",
    "test/templates",
    "test/tokens",
    "test/truth",
  ];
  const pages = [...top, ...filesIn("docs", ".md"), ...readmes.map((folder) => `${folder}/README.md`)];

  it.each(pages)("of %s lead to files and headings", (page) => {
    for (const { file, fragment } of findLinks(read(page))) {
      const target = path.posix.join(path.posix.dirname(page), file || path.posix.basename(page));
      expect(existsSync(path.join(packageRoot, target)), `${page}: ${target}`).toBe(true);
      if (fragment === undefined) continue;
      expect(statSync(path.join(packageRoot, target)).isFile(), `${page}: ${target}`).toBe(true);
      expect(fragmentsOf(read(target)), `${page}: ${target}#${fragment}`).toContain(fragment);
    }
  });
});
