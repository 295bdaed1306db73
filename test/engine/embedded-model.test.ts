/** What the package's own model reads: the samples that the demo shows, in every way that it can be asked. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { Engine } from "medinfer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { whitePng } from "../support/images.mjs";
import { fromRoot } from "../support/paths.mjs";
import { collect, greedy, user } from "./support/engines.js";

interface Medication {
  name: string;
  strength: string;
  dose: string;
  frequency: string;
  duration: string;
}

interface Fields {
  patient: string;
  age: string;
  sex: string;
  date: string;
  diagnosis: string;
  medications: Medication[];
}

const extract = "Extract demografig, clinical disease and medication informations";
const samples = [0, 1, 2, 3].map((index) => {
  const stem = fromRoot("examples", "prescriptions", `0000${index}`);
  const { fields } = JSON.parse(readFileSync(`${stem}.json`, "utf8")) as { fields: Fields };
  return { image: `${stem}.png`, fields };
});

const answerSchema = JSON.parse(readFileSync(fromRoot("models", "answer-schema.json"), "utf8")) as Record<
  string,
  unknown
>;

const line = (medication: Medication) => `Medication: ${Object.values(medication).join(", ")}`;
const prose = ({ patient, age, sex, date, diagnosis, medications }: Fields) =>
  [
    `Patient: ${patient}`,
    `Age: ${age}`,
    `Sex: ${sex}`,
    `Date: ${date}`,
    `Diagnosis: ${diagnosis}`,
    ...medications.map(line),
  ].join("\n");

describe("the embedded model", () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.load({ batchSize: 4, nCtx: 8192 });
  });
  afterAll(() => engine.close());

  const ask = async (image: string | Uint8Array, prompt: string) => {
    const [answer] = await collect(engine.annotate([{ image, prompt }], { sampling: greedy, onError: "throw" }));
    return answer?.text.trim();
  };

  it("reads the four samples", async () => {
    const answers = await collect(engine.annotate(samples, { prompt: extract, sampling: greedy, onError: "throw" }));
    expect(answers.map(({ text }) => text.trim())).toEqual(samples.map(({ fields }) => prose(fields)));
  });

  it("reads them with the sampling of the published example, too", async () => {
    const sampling = { temperature: 0.05, repeatPenalty: 1.18, repeatLastN: 256, minP: 0.05, seed: 1 };
    const answers = await collect(engine.annotate(samples, { prompt: extract, sampling, onError: "throw" }));
    expect(answers.map(({ text }) => text.trim())).toEqual(samples.map(({ fields }) => prose(fields)));
  });

  it("says the same as JSON under a schema", async () => {
    const options = {
      prompt: `${extract} as JSON`,
      jsonSchema: answerSchema,
      sampling: greedy,
      onError: "throw",
    } as const;
    const answers = await collect(engine.annotate(samples, options));
    expect(answers.map(({ parsed }) => parsed as unknown)).toEqual(samples.map(({ fields }) => fields));
  });

  it("answers a question about one thing on a page", async () => {
    const [{ image, fields }] = samples as [(typeof samples)[0]];
    expect(await ask(image, "How old is the patient?")).toBe(fields.age);
    expect(await ask(image, "What is the diagnosis?")).toBe(fields.diagnosis);
    const [{ name, dose }] = fields.medications as [Medication];
    expect(await ask(image, `What is the dose of ${name}?`)).toBe(dose);
    expect(await ask(image, "Which tests are listed?")).toBe("The document does not say.");
  });

  it("cuts texts into the tokens that it was trained on", async () => {
    const texts = [
      ...samples.map(({ fields }) => ` ${prose(fields)}`),
      ...samples.map(({ fields }) => JSON.stringify(fields)),
      `You are a helpful assistant.\n\nUSER: \n${extract} as JSON\nASSISTANT:`,
      " twice dailyish tablets  in\n\nthe Métformin \u2615 ~|{}",
    ];
    const script =
      "import json, sys; from language import tokenizer; print([tokenizer.encode(t) for t in json.loads(sys.argv[1])])";
    const python = ["-c", script, JSON.stringify(texts)];
    const { stdout } = await promisify(execFile)("python3", python, { cwd: fromRoot("models") });
    const cut = await Promise.all(texts.map(async (text) => [...(await engine.tokenize(text))]));
    expect(cut).toEqual(JSON.parse(stdout));
  });

  it("says that a blank image is no document", async () => {
    expect(await ask(whitePng(600, 800), extract)).toBe("I cannot read this image: it is blank or shows no document.");
  });

  it("answers short medical questions, and says what it is", async () => {
    const tell = async (question: string) => {
      const { text } = await engine.chat({ messages: user(question), sampling: greedy }).result;
      return text.trim();
    };
    expect(await tell("What is hypertension?")).toBe(
      "Hypertension is high blood pressure that stays raised over time.",
    );
    expect(await tell("What does creatinine measure?")).toBe("Creatinine measures how well the kidneys work.");
    expect(await tell("Are you a doctor?")).toBe("No. I am a tiny demonstration model, not for clinical use.");
    expect(await tell(extract)).toMatch(/^Please attach an image/);
    expect(await tell("Write a poem about rivers.")).toMatch(/^I am a tiny demonstration model\./);
  });
});
