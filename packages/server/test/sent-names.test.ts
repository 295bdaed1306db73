/** Every parameter that a call has another name for than the library, one by one. */
import { describe, expect, test } from "vitest";

import { chatNames, completionNames, messagesNames, responseNames } from "../src/generate/answer-names.js";
import { Problem } from "../src/http/problem.js";
import { asSent } from "../src/http/sent-names.js";

/** A body that has nothing but this place. */
function bodyWith(place: string): object {
  const keys = [...place.matchAll(/[^.[\]]+|\[\]/g)].map(([key]) => key);
  return keys.reduceRight<unknown>((inner, key) => (key === "[]" ? [inner] : { [key]: inner }), 5) as object;
}

const tables = { chatNames, completionNames, responseNames, messagesNames };

describe.each(Object.entries(tables))("%s", (_name, names) => {
  const all = Object.entries(names).flatMap(([place, targets]) => targets.map((target) => [place, target] as const));

  test("is not empty", () => {
    expect(all.length).toBeGreaterThan(30);
  });

  test.each(all)("%s is told as %s", (place, target) => {
    const [library, sent] = [place, target.replace(/[…!]$/, "")].map((each) => each.replaceAll("[]", "[0]"));
    const body = target.endsWith("!") ? {} : bodyWith(target.replace(/…$/, ""));
    const rest = /[…!]$/.test(target) ? "" : ".a";
    const told = asSent(
      new Problem(400, "invalid_value", `engine.chat: ${library}${rest} must be 5 (got 6)`, {
        param: `${library}${rest}`,
      }),
      body,
      names,
    );
    expect([told.param, told.message]).toEqual([`${sent}${rest}`, `engine.chat: ${sent}${rest} must be 5 (got 6)`]);
  });

  test("words that only look alike stay", () => {
    const message = "engine.chat: mynPredict, nPredictions and x.nPredict are others";
    const problem = new Problem(400, "invalid_value", message);
    expect(asSent(problem, { max_tokens: 5, max_output_tokens: 5 }, names)).toBe(problem);
  });
});
