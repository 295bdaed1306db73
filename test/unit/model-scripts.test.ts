/** Tests of the embedded model's scripts: what of them needs no PyTorch. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { fromRoot } from "../support/paths.mjs";

it("answers, vocabulary, scores and training course of the embedded model, in Python", async () => {
  const modules = ["language.test_answers", "training.test_recipe"];
  const { stderr } = await promisify(execFile)("python3", ["-m", "unittest", ...modules], {
    cwd: fromRoot("models"),
  });
  expect(stderr).toMatch(/^Ran ([1-9]\d+) tests in [^]*\nOK\n$/m);
});
