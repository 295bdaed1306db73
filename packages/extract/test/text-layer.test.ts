/** Where values stand in the text layers of pages. */
import { describe, expect, it } from "vitest";

import { evidenceOf, type Evidence, type EvidencePage, type FieldEvidence, type JsonLeaf } from "../src/index.js";
import { box, page } from "./support/page.js";

/** The evidence for an answer. */
function evidence<T>(answer: T, pages: readonly EvidencePage[], schema?: unknown): Evidence<T> {
  const text = JSON.stringify(answer);
  const logprobs = [{ bytes: [...new TextEncoder().encode(text)], logprobBefore: -0.1 }];
  return evidenceOf<T>({ text, logprobs, pages, schema }).fields;
}

const find = (value: JsonLeaf, lines: readonly string[]): FieldEvidence =>
  evidence<{ v: JsonLeaf }>({ v: value }, [page(lines)]).v;

describe("a value is found", () => {
  it.each([
    ["as it stands", "Leila Ochieng", "Leila Ochieng", ["Name: Leila Ochieng"], [0, 6, 13]],
    ["in another case", "LEILA ochieng", "Leila Ochieng", ["Name: Leila Ochieng"], [0, 6, 13]],
    ["with punctuation around it", "Leila Ochieng", "Leila Ochieng", ["Name (Leila Ochieng), 54"], [0, 5, 16]],
    ["joined with its unit on the page", "500 mg", "500mg", ["take 500mg now"], [0, 5, 5]],
    ["joined with its unit in the answer", "500mg", "500 mg", ["take 500 mg now"], [0, 5, 6]],
    ["as the number before a unit", 500, "500mg", ["take 500mg now"], [0, 5, 5]],
    ["as the unit behind a number", "mg", "500mg", ["take 500mg now"], [0, 5, 5]],
    ["behind its label without a blank", "Leila", "Name:Leila", ["Name:Leila here"], [0, 0, 10]],
    ["with a ligature", "Office fine", "Oﬃce ﬁne", ["the Oﬃce ﬁne"], [0, 4, 8]],
    ["with another dash", "10-20 mg", "10–20 mg", ["10–20 mg"], [0, 0, 8]],
    ["with a hyphen or without", "follow up", "follow-up", ["a follow-up visit"], [0, 2, 9]],
    ["with a decimal comma", "7.5 mmol/L", "7,5 mmol/L", ["K 7,5 mmol/L"], [0, 2, 10]],
    ["with a decimal comma, as a number", 7.5, "7,5", ["K 7,5 high"], [0, 2, 3]],
    ["with a zero more", 7.5, "7.50", ["K 7.50 high"], [0, 2, 4]],
    ["as a number with grouped digits", 250000, "250 000", ["PLT 250 000 /uL"], [0, 4, 7]],
    ["as a negative number", -1.5, "-1.5", ["BE -1.5 ok"], [0, 3, 4]],
    ["with a micro sign of another code", "5 µg", "5 μg", ["5 μg"], [0, 0, 4]],
    ["beyond the basic plane", "𝛼 blocker", "𝛼 blocker", ["an 𝛼 blocker"], [0, 3, 10]],
  ] as const)("%s", (_, value, text, lines, [row, column, length]) => {
    expect(find(value, lines)).toEqual({
      value,
      text,
      page: 1,
      box: box(row, column, length),
      confidence: Math.exp(-0.1),
      source: "text-layer",
    });
  });

  it("over the end of a line, with a box for each and one around both", () => {
    const { lines, box: around, text } = find("chronic kidney disease", ["a long case of chronic", "kidney disease"]);
    expect(text).toBe("chronic kidney disease");
    expect(lines).toEqual([box(0, 15, 7), box(1, 0, 14)]);
    expect(around).toEqual({ x: 0, y: 0, width: 22 * 6, height: 24 });
  });

  it("where a hyphen broke it at the end of a line", () => {
    expect(find("hypertension", ["severe hyper-", "tension today"])).toMatchObject({
      text: "hyper- tension",
      lines: [box(0, 7, 6), box(1, 0, 7)],
      source: "text-layer",
    });
  });

  it("within its column, whose lines have other columns' words between them", () => {
    const found = find("Metoprolol succinate", ["Metoprolol   100 mg   twice", "succinate             daily"]);
    expect(found).toMatchObject({ text: "Metoprolol succinate", lines: [box(0, 0, 10), box(1, 0, 9)] });
  });

  it("with a word or two more between on its line", () => {
    expect(find("Aspirin 100 mg", ["Aspirin (ASA) 100 mg"])).toMatchObject({
      source: "text-layer",
      box: box(0, 0, 20),
    });
  });
});

describe("a value is not found", () => {
  it.each([
    ["elsewhere in a word", "ten", ["tension"]],
    ["in a longer number", 50, ["500 mg"]],
    ["in a decimal", 5, ["7.5"]],
    ["in a date", "10", ["2026-10-06"]],
    ["in a time", 30, ["10:30"]],
    ["behind a sign", 1.5, ["BE -1.5"]],
    ["behind a sign of comparison", 5, ["CRP < 5"]],
    ["behind a sign of comparison, in the word", 5, ["CRP <5"]],
    ["within a code", 12, ["vitamin B12"]],
    ["with thousands that may be decimals", "1,500", ["1.500"]],
    ["with digits that differ", "Aspirin 50 mg", ["Aspirin 500 mg"]],
    ["with another's number between", "Aspirin 100 mg", ["Aspirin 500 mg, Ibuprofen 100 mg"]],
    ["with a number between its words", "Aspirin daily", ["Aspirin 500 daily"]],
    ["as thousands that may be decimals", 1500, ["1,500"]],
    ["with half of its words", "Aspirin forte 100 mg", ["Aspirin 100 mg"]],
    ["without letters and digits", "—", ["— a —"]],
    ["where the page says another day", "2026-03-04", ["05/04/2026"]],
  ] as const)("%s", (_, value, lines) => {
    expect(find(value, lines)).toEqual({
      value,
      text: String(value),
      page: 1,
      confidence: Math.exp(-0.1),
      source: "model",
    });
  });

  it("where it is nothing, or yes or no", () => {
    expect(find(null, ["null"])).toMatchObject({ text: "", source: "model" });
    expect(find(true, ["true"])).toMatchObject({ text: "true", source: "model" });
    expect(find("", ["x"])).toMatchObject({ text: "", source: "model" });
  });

  it("on a scan: there is no box then", () => {
    expect(evidence({ v: "Leila" }, [{ number: 3 }]).v).toEqual({
      value: "Leila",
      text: "Leila",
      page: 3,
      confidence: Math.exp(-0.1),
      source: "model",
    });
    expect(evidence({ v: "Leila" }, [{ number: 3 }, { number: 4 }]).v).not.toHaveProperty("page");
  });
});

describe("a day is found in other forms", () => {
  it.each([
    ["2026-10-06", "6 October 2026"],
    ["2026-10-06", "Oct 6, 2026"],
    ["2026-10-06", "06.10.2026"],
    ["2026-10-06", "2026/10/06"],
    ["2026-10-06", "6. Oktober 2026"],
    ["2026-10-06", "6 octobre 2026"],
    ["2026-10-25", "25/10/2026"],
    ["2026-10-25", "10/25/2026"],
    ["6 Oct 2026", "2026-10-06"],
    ["25/10/2026", "25 Oct 2026"],
  ])("%s as %s", (value, text) => {
    expect(find(value, [`on ${text} in town`])).toMatchObject({
      text,
      source: "text-layer",
      box: box(0, 3, text.length),
    });
  });

  it.each([
    ["2026-10-06", "06/10/2026"],
    ["2026-10-06", "10/06/2026"],
    ["06/10/2026", "6 Oct 2026"],
    ["2026-10-06", "6 Oct 26"],
  ])("but not %s as %s, which may be another", (value, text) => {
    expect(find(value, [`on ${text} in town`])).toMatchObject({ source: "model" });
  });
});

describe("of several places", () => {
  it("that behind its label is taken", () => {
    const lines = ["Age: 54   Room: 12", "Bed: 54"];
    expect(evidence({ age: 54 }, [page(lines)]).age.box).toEqual(box(0, 5, 2));
    expect(evidence({ bed: 54 }, [page(lines)]).bed.box).toEqual(box(1, 5, 2));
  });

  it("that below its label is taken", () => {
    const lines = ["Sodium        Chloride", "", "  98             98"];
    expect(evidence({ sodium: 98 }, [page(lines)]).sodium.box).toEqual(box(2, 2, 2));
    expect(evidence({ chloride: 98 }, [page(lines)]).chloride.box).toEqual(box(2, 17, 2));
  });

  it("a schema's title is a label, too", () => {
    const schema = { properties: { a: { type: "string", title: "Referring doctor" } } };
    const lines = ["Patient: Ruth Kern", "Referring doctor: Ruth Kern"];
    expect(evidence({ a: "Ruth Kern" }, [page(lines)], schema).a.box).toEqual(box(1, 18, 9));
    expect(evidence({ a: "Ruth Kern" }, [page(lines)]).a).not.toHaveProperty("box");
  });

  it("that in the row of the other values is taken", () => {
    const lines = ["Lisinopril   10 mg  1 tab  daily", "Simvastatin  10 mg  1 tab  at night"];
    const answer = {
      medications: [
        { name: "Lisinopril", strength: "10 mg", dose: "1 tab" },
        { name: "Simvastatin", strength: "10 mg", dose: "1 tab" },
      ],
    };
    const { medications } = evidence(answer, [page(lines)]);
    expect(medications[0]!.strength.box).toEqual(box(0, 13, 5));
    expect(medications[1]!.strength.box).toEqual(box(1, 13, 5));
    expect(medications[1]!.dose.box).toEqual(box(1, 20, 5));
  });

  it("on several pages, that with the row is taken", () => {
    const answer = { drugs: [{ name: "Simvastatin", strength: "10 mg" }] };
    const pages = [page(["Lisinopril 10 mg"], 1), page(["Simvastatin 10 mg"], 2)];
    expect(evidence(answer, pages).drugs[0]!.strength).toMatchObject({ page: 2, box: box(0, 12, 5) });
  });

  it("none is taken where two are as near", () => {
    const answer = { drugs: [{ name: "Lisinopril", count: 1 }] };
    const { drugs } = evidence(answer, [page(["Lisinopril 1 tab, 1 daily", "Aspirin 1 tab"])]);
    expect(drugs[0]!.name).toHaveProperty("box");
    expect(drugs[0]!.count).not.toHaveProperty("box");
  });

  it("none is taken where nothing says which, and the page is told where it is one", () => {
    const once = evidence({ v: "daily" }, [page(["daily walk", "daily swim"])]).v;
    expect(once).toEqual({
      value: "daily",
      text: "daily",
      page: 1,
      confidence: Math.exp(-0.1),
      source: "text-layer",
    });
    const twice = evidence({ v: "daily" }, [page(["daily"], 1), page(["daily"], 2)]).v;
    expect(twice).not.toHaveProperty("page");
    expect(twice.source).toBe("text-layer");
  });
});
