// Compares our Jinja with Python's: `node test/templates/run.mjs [--random N] [--seed S] [--store] [--show N]`
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

import { fromRoot } from "../../scripts/lib/paths.mjs";
import { makersPython } from "../truth/python.mjs";
import { compare } from "./table.mjs";
import { digest, modelTemplates, renderHere, renderInPython } from "./compare.mjs";
import { cases } from "./conversations.mjs";
import { expressions } from "./expressions.mjs";
import { randomTemplates, variables } from "./random-templates.mjs";

const { Template } = createRequire(import.meta.url)(fromRoot("dist", "chat", "jinja", "template.js"));

/** How many of the random templates CI looks at. */
const STORED = 4000;

const { values: options } = parseArgs({
  options: {
    random: { type: "string", default: String(STORED) },
    seed: { type: "string", default: "1" },
    show: { type: "string", default: "10" },
    store: { type: "boolean", default: false },
  },
});
const requirements = fromRoot("test", "templates", "requirements.txt");
const python = await makersPython(fromRoot("out", "templates"), console.error, requirements);

/** All cases of one group: what Python makes of them, and how ours differ. */
async function group(name, all) {
  const wanted = await renderInPython(
    python,
    all.map(({ source, variables: given }) => ({ source, variables: given })),
  );
  const parsed = new Map();
  const outcomes = all.map((one, i) => {
    if (!parsed.has(one.source)) parsed.set(one.source, parse(one.source));
    const template = parsed.get(one.source);
    const ours = template instanceof Template ? renderHere(template, one.variables) : { error: template };
    return { ...one, wanted: wanted[i], ours };
  });
  compare(name, outcomes, Number(options.show));
  return wanted;
}

function parse(source) {
  try {
    return new Template(source);
  } catch (error) {
    if (error.constructor.name !== "TemplateSyntaxError") throw error;
    return error;
  }
}

const models = [...modelTemplates()];
const modelCases = models.flatMap(([name, source]) =>
  cases.map((one) => ({ ...one, name: `${name}: ${one.name}`, source })),
);
const ofModels = await group("models' templates", modelCases);
const ofExpressions = await group(
  "expressions",
  expressions.map((source) => ({ name: source, source, variables })),
);
const random = [...randomTemplates(Number(options.seed), Number(options.random))];
const ofRandom = await group(
  "random templates",
  random.map((source) => ({ name: source, source, variables })),
);

if (options.store) {
  const save = (file, value) =>
    writeFileSync(fromRoot("test", "templates", "stored", file), `${JSON.stringify(value, null, 2)}\n`);
  const models_ = models.map(([name, source], i) => {
    const results = ofModels
      .slice(i * cases.length, (i + 1) * cases.length)
      .map(digest)
      .join("");
    return [name, { source: digest(source), results }];
  });
  save("models.json", Object.fromEntries(models_));
  save("expressions.json", Object.fromEntries(expressions.map((source, i) => [source, ofExpressions[i] ?? null])));
  save("random.json", { seed: Number(options.seed), count: random.length, results: ofRandom.map(digest).join("") });
}
