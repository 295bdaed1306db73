/** The config file: the names of flags, per command. */
import { writeFileSync } from "node:fs";
import path from "node:path";

import { describe, expect, it } from "vitest";

import { printedJson, run, temporaryFolder } from "./support.js";

const folder = temporaryFolder();
let count = 0;

function configFile(content: unknown): string {
  const file = path.join(folder, `medinfer.config-${count++}.json`);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
}

const tokensOf = (answer: unknown) => (answer as { usage: { completionTokens: number } }).usage.completionTokens;
const three = {
  complete: { "n-predict": 3, "ignore-eos": true, "stop-strings": ["zzz", "yyy"], "token-bias": { " x": -1 } },
};

describe("a config file", () => {
  it("says what flags say, under --config before or behind the command, or MEDINFER_CONFIG", async () => {
    const file = configFile(three);
    const args = ["complete", "--json", "Gout is"];
    expect(tokensOf(await printedJson(["--config", file, ...args]))).toBe(3);
    expect(tokensOf(await printedJson([...args, "--config", file]))).toBe(3);
    const { stdout, status } = await run(args, { env: { MEDINFER_CONFIG: file } });
    expect(status).toBe(0);
    expect(tokensOf(JSON.parse(stdout))).toBe(3);
  });

  it("gives way to the command line, and is of its command alone", async () => {
    const file = configFile({ ...three, chat: { "n-predict": 2 } });
    const args = ["--config", file, "complete", "--json", "--n-predict", "5", "Gout is"];
    expect(tokensOf(await printedJson(args))).toBe(5);
    const excluded = configFile({ template: { name: "chatml" } });
    const messages = JSON.stringify([{ role: "user", content: "What is gout?" }]);
    const jinja = path.join(folder, "template.jinja");
    writeFileSync(jinja, "{{ messages[0].content }}");
    const { stdout } = await run(["--config", excluded, "template", "--jinja", jinja], { input: messages });
    expect(stdout).toBe("What is gout?");
  });

  it.each([
    ["an unknown command", { chatt: {} }, '"chatt" is no command (did you mean chat?)'],
    [
      "an unknown flag, of another command too",
      { chat: { temprature: 1 } },
      'chat: "temprature" is no flag of it (did you mean temperature?)',
    ],
    ["a value out of its range", { complete: { "top-p": 2 } }, "complete.top-p: It has to be a number from 0 to 1."],
    [
      "a value of another kind",
      { complete: { "ignore-eos": "Johanna" } },
      "complete.ignore-eos has to be true or false",
    ],
    ["several values", { complete: { model: ["Johanna", "b"] } }, "complete.model: It has to be one value."],
    ["no value", { complete: { model: null } }, "complete.model has no value"],
    ["no object", { complete: 1 }, "complete has to be an object"],
    ["what is of one call alone", { complete: { help: true } }, '"help" is no flag of it'],
    ["a text as a name", { complete: { "Johanna has gout": 1 } }, "a name is no flag of it"],
    ["no JSON", "{", "is no valid JSON"],
  ])("is refused with %s, and its values are not shown", async (_name, content, message) => {
    const { status, stdout, stderr } = await run(["--config", configFile(content), "complete", "x"]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^medinfer: INVALID_ARGUMENT: [^\n]*\n$/);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("Johanna");
  });
});
