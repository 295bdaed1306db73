import { describe, expect, it } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { printed, run } from "./support.js";

describe("the demo", () => {
  it("streams an answer and reads the four prescriptions", async () => {
    const output = await printed(["demo"]);
    expect(output).toContain("> What is hypertension?");
    expect(output).toContain("> Extract demografig, clinical disease and medication informations");
    for (const n of [0, 1, 2, 3]) {
      const answer = new RegExp(`^0000${n}\\.png\\n  Patient: [^]*?\\n  image .*, total \\d+ ms$`, "m");
      expect(output).toMatch(answer);
    }
    expect(output).toMatch(/^4 of 4 images in \d+ ms$/m);
  });

  it("reads anyone's images, and says which it could not", async () => {
    const image = fromRoot("test", "fixtures", "images", "rgb.png");
    const args = ["--image", image, "--image", "missing.png", "--prompt", "What is this?"];
    const { status, stdout } = await run(["demo", ...args]);
    expect(status).toBe(1);
    expect(stdout).toContain("> What is this?");
    expect(stdout).toMatch(/^rgb\.png\n/m);
    expect(stdout).toMatch(/^missing\.png\n {2}IMAGE_NOT_FOUND: /m);
    expect(stdout).toMatch(/^1 of 2 images in /m);
  });

  it("says what is wrong with a model in one line", async () => {
    const { status, stderr } = await run(["demo", "--model", "missing.gguf"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^medinfer: MODEL_NOT_FOUND: .*\n$/);
  });
});
