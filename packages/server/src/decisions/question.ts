/** Questions that have a few possible answers. */
import * as v from "valibot";

/** Each answer is scored in up to four forms, and the engine takes 256 candidates. */
const MOST_CHOICES = 100;

const word = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(1000));

const predicate = v.strictObject({
  type: v.literal("predicate"),
  /** The words for true and false in the question's language. */
  words: v.optional(
    v.pipe(
      v.strictObject({ true: word, false: word }),
      v.check((words) => capital(words.true) !== capital(words.false), "must differ"),
    ),
  ),
});

const choice = v.strictObject({
  type: v.literal("choice"),
  choices: v.pipe(
    v.array(word),
    v.minLength(2),
    v.maxLength(MOST_CHOICES),
    v.check((all) => new Set(all).size === all.length, "must not have one twice"),
  ),
});

const bound = v.pipe(v.number(), v.integer(), v.minValue(-1_000_000), v.maxValue(1_000_000));

const score = v.pipe(
  v.strictObject({ type: v.literal("score"), min: bound, max: bound }),
  v.check(({ min, max }) => min < max, "min must be less than max"),
  v.check(({ min, max }) => max - min <= MOST_CHOICES, `must have at most ${MOST_CHOICES + 1} whole numbers`),
);

export const questionSchema = v.variant(
  "type",
  [predicate, choice, score],
  'must have the type "predicate", "choice" with choices, or "score" with min and max',
);

export type Question = v.InferOutput<typeof questionSchema>;

/** A possible answer, and the texts that a model may write for it. */
export interface PossibleAnswer {
  value: boolean | string | number;
  forms: readonly string[];
}

/** All answers that a question can have. */
export function answersOf(question: Question): PossibleAnswer[] {
  switch (question.type) {
    case "predicate": {
      const words = question.words ?? { true: "yes", false: "no" };
      return [
        { value: true, forms: formsOf(words.true, capital(words.true)) },
        { value: false, forms: formsOf(words.false, capital(words.false)) },
      ];
    }
    case "choice":
      return question.choices.map((value) => ({ value, forms: formsOf(value) }));
    case "score":
      return Array.from({ length: question.max - question.min + 1 }, (_, i) => question.min + i).map((value) => ({
        value,
        forms: formsOf(String(value)),
      }));
  }
}

/** Behind some chat templates an answer begins with a blank, behind others without. */
function formsOf(...texts: string[]): string[] {
  return [...new Set(texts)].flatMap((text) => [text, ` ${text}`]);
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
