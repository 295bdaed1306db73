// Compares our Jinja with Python's: `node test/templates/run.mjs [--random N] [--chats N] [--seed S] [--store] [--show N]`
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";

import { fromRoot } from "../../scripts/lib/paths.mjs";
import { makersPython } from "../truth/python.mjs";
import { compare } from "./table.mjs";
import { chatCases, chatForPython, formOf, ownRefusal, randomCases, renderCase } from "./chats.mjs";
import { digest, modelTemplates, now, renderHere, renderInPython } from "./compare.mjs";
import { cases } from "./conversations.mjs";
import { expressions } from "./expressions.mjs";
import { randomTemplates, variables } from "./random-templates.mjs";

const dist = (...parts) => createRequire(import.meta.url)(fromRoot("dist", "chat", ...parts));
const { Template } = dist("jinja", "template.js");
const { renderChat } = dist("render.js");

/** How many of the random templates CI looks at. */
const STORED = 4000;

const { values: options } = parseArgs({
  options: {
    random: { type: "string", default: String(STORED) },
    chats: { type: "string", default: "0" },
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

/** What Python makes of conversations with tools and the like, template after template. */
async function chatGroup(name, given) {
  const all = models.flatMap(([file, source]) =>
    given.map((one) => ({ ...one, file, source, name: `${file}: ${one.name}` })),
  );
  const wanted = await renderInPython(
    python,
    all.map(({ source, file, chat, addGenerationPrompt }) => ({
      source,
      chat: chatForPython(chat, formOf(file), addGenerationPrompt),
    })),
  );
  const RealDate = Date;
  globalThis.Date = class extends RealDate {
    constructor(...args) {
      super(...(args.length === 0 ? [now] : args));
    }
  };
  const outcomes = all.map((one, i) => {
    const ours = renderCase(renderChat, one.source, one);
    // What would lose a text is meant to be refused.
    const isMeant = wanted[i] !== undefined && ours.error !== undefined && ownRefusal.test(ours.error.message);
    return { ...one, wanted: isMeant ? undefined : wanted[i], ours };
  });
  globalThis.Date = RealDate;
  compare(name, outcomes, Number(options.show));
  const lossy = outcomes.filter(({ ours }, i) => wanted[i] !== undefined && ours.error !== undefined).length;
  console.log(`of those refused by both, ${lossy} would have lost a text in Python`);
  return wanted;
}

const ofChats = await chatGroup("conversations with tools", chatCases);
const more = Number(options.chats);
if (more > 0) await chatGroup("random conversations with tools", randomCases(Number(options.seed), more));

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
  const chats_ = models.map(([name], i) => [
    name,
    ofChats
      .slice(i * chatCases.length, (i + 1) * chatCases.length)
      .map(digest)
      .join(""),
  ]);
  save("chats.json", Object.fromEntries(chats_));
  save("random.json", { seed: Number(options.seed), count: random.length, results: ofRandom.map(digest).join("") });
}
