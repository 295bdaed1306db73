/** Our Jinja against what Python's made of the same templates: see test/templates. */
import { readFileSync, existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Template } from "../../lib/chat/jinja/template.js";
import { llamaDir } from "../../scripts/lib/paths.mjs";
import { fromRoot } from "../support/paths.mjs";
import { digest, modelTemplates, refused, renderHere } from "../templates/compare.mjs";
import { refusedHere } from "../templates/expressions.mjs";
import { cases } from "../templates/conversations.mjs";
import { randomTemplates, variables } from "../templates/random-templates.mjs";

const stored = (file: string) =>
  JSON.parse(readFileSync(fromRoot("test", "templates", "stored", file), "utf8")) as unknown;

/** The text of a template, or undefined where it is refused by a typed error. */
function render(source: string, given: object): string | undefined {
  let template: Template;
  try {
    template = new Template(source);
  } catch (error) {
    expect((error as Error).constructor.name).toBe("TemplateSyntaxError");
    return undefined;
  }
  return renderHere(template, given).text;
}

/** Eight characters for each case. */
const digests = (results: string) => results.match(/.{8}/g) ?? [];

// They come with llama.cpp's source (npm run fetch:llama).
describe.skipIf(!existsSync(llamaDir))("the templates of real models", () => {
  const results = stored("models.json") as Record<string, { source: string; results: string }>;
  const templates = [...modelTemplates()];

  it("are those that were stored", () => {
    expect(Object.fromEntries(templates.map(([name, source]) => [name, digest(source)]))).toEqual(
      Object.fromEntries(Object.entries(results).map(([name, { source }]) => [name, source])),
    );
  });

  it.each(templates)("%s is what Python makes of it, in every conversation", { timeout: 60_000 }, (name, source) => {
    const template = new Template(source);
    const wanted = digests(results[name]!.results);
    expect(wanted).toHaveLength(cases.length);
    const wrong = cases.filter(({ variables: given }, i) => digest(renderHere(template, given).text) !== wanted[i]);
    expect(wrong.map(({ name: conversation }) => conversation)).toEqual([]);
  });
});

describe("small templates", () => {
  const expected = Object.entries(stored("expressions.json") as Record<string, string | null>);

  it.each(expected)("%j", (source, wanted) => {
    const text = render(source, variables);
    // Where Python goes on, we may refuse; never the other way round, and never another text.
    if (text !== undefined) expect(text).toBe(wanted);
    else if (wanted !== null) expect(refusedHere).toContain(source);
  });

  it("made at random are what Python makes of them, or refused", () => {
    const { seed, count, results } = stored("random.json") as { seed: number; count: number; results: string };
    const wanted = digests(results);
    const outcomes = { equal: 0, refusedHereAlone: 0, wrong: [] as string[] };
    let i = 0;
    for (const source of randomTemplates(seed, count)) {
      const text = digest(render(source, variables));
      if (text !== wanted[i] && text !== refused) outcomes.wrong.push(source);
      else if (text !== wanted[i]) outcomes.refusedHereAlone++;
      else if (text !== refused) outcomes.equal++;
      i++;
    }
    expect(i).toBe(count);
    expect(outcomes.wrong).toEqual([]);
    expect(outcomes.equal).toBeGreaterThan(count * 0.7);
    expect(outcomes.refusedHereAlone).toBeLessThan(count * 0.02);
  }, 60_000);
});
