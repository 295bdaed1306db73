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
