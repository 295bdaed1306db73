// Draws cases from a seed, runs them, and says what ended, hung or was no typed error.
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { SeededRandom } from "../../support/seeded-random.mjs";
import { storedFolder } from "../../truth/store.mjs";
import { knownKeys } from "./bases.mjs";
import { CaseRunner } from "./children.mjs";
import { writeGguf } from "./gguf.mjs";
import { applyMutations, drawMutations } from "./mutate.mjs";

/** Cases of one child: what they lose must not add up. */
const CASES_PER_CHILD = 200;
const PATIENCE = 4;

/**
 * @typedef {{ base: string, mutations: import("./mutate.mjs").Mutation[] }} Recipe
 * @typedef {{ recipe: Recipe, outcome: import("./children.mjs").Outcome, alone: boolean }} Finding `alone`: it does so in
 *   a fresh process, too
 * @typedef {{ cases: number, states: Record<string, number>, findings: Finding[], most: { peakMb: number, recipe?: Recipe } }} Report
 */

/** @param {import("./children.mjs").Outcome} outcome */
export const isFinding = ({ state, typed }) => state === "ended" || state === "hung" || (state !== "ran" && !typed);

/** What a child loads. @param {import("./bases.mjs").Base} base @param {string} file the changed one */
function filesOf({ model, mmproj, adapter = false }, file, picture) {
  if (adapter) return { model, mmproj: null, picture: null, adapter: file };
  return mmproj === null ? { model: file, mmproj, picture: null } : { model, mmproj: file, picture };
}

/** The changed file stands in the place of the base's. */
export class MetadataFuzzer {
  #bases;
  #scratch;
  #runner;
  #known = new Map();
  #ran = 0;

  /** @param {{ bases: import("./bases.mjs").Base[], scratch: string, seconds?: number }} options `seconds`: of one case */
  constructor({ bases, scratch, seconds = 30 }) {
    this.#bases = bases;
    this.#scratch = scratch;
    this.#runner = new CaseRunner({ seconds });
    mkdirSync(scratch, { recursive: true });
  }

  /** Case `index` of a seed: always the same. @param {number} seed @param {number} index @returns {Recipe} */
  recipe(seed, index) {
    const random = new SeededRandom(Math.imul(seed, 0x9e3779b1) + index);
    random.next();
    const base = this.#bases[(index + random.int(0, this.#bases.length - 1)) % this.#bases.length];
    if (!this.#known.has(base.name)) this.#known.set(base.name, knownKeys(base));
    return { base: base.name, mutations: drawMutations(random, base.gguf, this.#known.get(base.name)) };
  }

  /** What the bases give as they are, by name: all have to run. */
  async runBases() {
    const outcomes = {};
    for (const { name } of this.#bases) outcomes[name] = await this.run({ base: name, mutations: [] });
    return outcomes;
  }

  /** @param {Recipe} recipe @returns {Promise<import("./children.mjs").Outcome>} */
  async run({ base: name, mutations }) {
    const base = this.#bases.find((each) => each.name === name);
    if (base === undefined) throw new Error(`there is no base ${name}`);
    const { values, tensors } = base.gguf;
    const gguf = { values: new Map(values), tensors: tensors.map((tensor) => ({ ...tensor })) };
    applyMutations(gguf, mutations);
    const file = path.join(this.#scratch, `case-${process.pid}.gguf`);
    writeFileSync(file, writeGguf(gguf));
    const picture = path.join(storedFolder, "tiny.png");
    if (++this.#ran % CASES_PER_CHILD === 0) this.#runner.close();
    // More than one thread cost most where others use the machine.
    const nThreads = mutations.length === 3 ? 2 : 1;
    return this.#runner.run({ ...filesOf(base, file, picture), nThreads });
  }

  /**
   * @param {{ seed: number, from?: number, goesOn: (cases: number) => boolean, onFinding?: (finding: Finding) => void }} options
   * @returns {Promise<Report>}
   */
  async fuzz({ seed, from = 0, goesOn, onFinding }) {
    const report = { cases: 0, states: {}, findings: [], most: { peakMb: 0 } };
    for (let index = from; goesOn(report.cases); ++index, ++report.cases) {
      const recipe = this.recipe(seed, index);
      let outcome = await this.run(recipe);
      if (isFinding(outcome)) {
        // Whether it is this case, or what others before it left behind. A slow machine is no hang.
        this.#runner.close();
        this.#runner.seconds *= PATIENCE;
        const again = await this.run(recipe);
        this.#runner.seconds /= PATIENCE;
        this.#runner.close();
        const alone = isFinding(again);
        const slow = outcome.state === "hung" && !alone;
        if (alone || slow) outcome = again;
        if (!slow) {
          const finding = { recipe, outcome, alone };
          report.findings.push(finding);
          onFinding?.(finding);
        }
      }
      const state = outcome.state + (outcome.code && outcome.state !== "ended" ? ` ${outcome.code}` : "");
      report.states[state] = (report.states[state] ?? 0) + 1;
      if ((outcome.peakMb ?? 0) > report.most.peakMb) report.most = { peakMb: outcome.peakMb, recipe };
    }
    return report;
  }

  close() {
    this.#runner.close();
  }
}
