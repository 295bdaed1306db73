import { readdirSync, readFileSync } from "node:fs";

import { fromRoot } from "../../test/support/paths.mjs";
import { SeededRandom } from "../../test/support/seeded-random.mjs";

const WORDS = (
  "the patient was given aspirin twice daily after meals and reports mild pain in left knee since last week with no " +
  "fever blood pressure normal heart rate regular history of diabetes type two treated with metformin allergic to " +
  "penicillin advised rest fluids follow up in ten days"
).split(" ");

/** A text of so many words; the same for the same seed. @param {number} words @param {number} seed */
export function promptOf(words, seed) {
  const random = new SeededRandom(seed);
  return Array.from({ length: words }, () => random.pick(WORDS)).join(" ");
}

/** So many bytes of sentences in paragraphs, with figures and a few letters that are no ASCII. @param {number} bytes @param {number} seed */
export function proseOf(bytes, seed) {
  const random = new SeededRandom(seed);
  const word = () =>
    random.pick([...WORDS, ...WORDS, "Müller", "naïve", "10", "37.5", "120/80", "mg", "doesn't", "(daily)"]);
  const sentence = () => {
    const words = Array.from({ length: random.int(4, 18) }, word);
    const text = words.map((each, i) => (i < words.length - 1 && random.int(0, 9) === 0 ? `${each},` : each)).join(" ");
    return `${text[0].toUpperCase()}${text.slice(1)}${random.pick([".", ".", ".", "?", ":"])}`;
  };
  let prose = "";
  while (prose.length < bytes) {
    let paragraph = "";
    for (let i = random.int(2, 8); i > 0; i--) paragraph += `${sentence()} `;
    prose += `${paragraph.trim()}\n\n`;
  }
  return Buffer.from(prose).subarray(0, bytes).toString("utf8");
}

/**
 * So many characters of this project's own pages, from a place that the seed says: words as often as people write them.
 * @param {number} characters @param {number} seed
 */
export function pagesOf(characters, seed) {
  const files = readdirSync(fromRoot("docs"), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".md"),
  );
  const pages = files.sort().map((file) => readFileSync(fromRoot("docs", file), "utf8"));
  const text = pages.join("\n");
  const begin = new SeededRandom(seed).int(0, text.length - 1);
  return text.repeat(Math.ceil((begin + characters) / text.length)).slice(begin, begin + characters);
}
