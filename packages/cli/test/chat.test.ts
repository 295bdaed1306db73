import { spawn } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

import { describe, expect, it } from "vitest";

import { fromRoot } from "../../../test/support/paths.mjs";
import { model, running } from "./server.js";
import { printed, printedJson, program, run, temporaryFolder, type Outcome } from "./support.js";

const folder = temporaryFolder();
const question = "What is hypertension?";
const prescription = fromRoot("examples", "prescriptions", "00000.png");
const greedy = ["--temperature", "0", "--n-predict", "60"];
const { url } = running();

interface Answer {
  text: string;
  finishReason: string;
  usage: { promptTokens: number; completionTokens: number; cachedTokens: number };
}

/** A chat line by line, as at a terminal. */
const talk = (lines: readonly string[], args: readonly string[] = []): Promise<Outcome> =>
  run(["chat", "--interactive", ...greedy, ...args], { input: lines.map((line) => `${line}\n`).join("") });

describe("one message", () => {
  it("is all of stdin, or an argument; the answer is on stdout", async () => {
    const answer = await printed(["chat", ...greedy], `${question}\n`);
    expect(answer).toMatch(/\w/);
    expect(await printed(["chat", ...greedy, question])).toBe(answer);
    const { text, finishReason } = (await printedJson(["chat", ...greedy, "--json", question])) as Answer;
    expect(`${text}\n`).toBe(answer);
    expect(finishReason).toBe("eos");
  });

  it("has images, a system message and a form", async () => {
    const plain = (await printedJson(["chat", ...greedy, "--json", question])) as Answer;
    const system = ["--system", "You are a careful doctor."];
    const told = (await printedJson(["chat", ...greedy, "--json", ...system, question])) as Answer;
    expect(told.usage.promptTokens).toBeGreaterThan(plain.usage.promptTokens);
    const seen = (await printedJson(["chat", ...greedy, "--json", "--image", prescription, "Read it."])) as Answer;
    expect(seen.usage.promptTokens).toBeGreaterThan(plain.usage.promptTokens + 20);
    const schema = fromRoot("models", "answer-schema.json");
    const formed = await printedJson(["chat", "--temperature", "0", "--json-schema", schema, "--json", question]);
    expect(formed).toMatchObject({ parsed: expect.anything() });
  });

  it("of nothing is refused, before a model is loaded", async () => {
    const { status, stderr } = await run(["chat", "--model", "missing.gguf"], { input: " \n" });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^medinfer: INVALID_ARGUMENT: stdin has no text/);
  });

  it("says that an answer is cut", async () => {
    const { status, stderr } = await run(["chat", "--n-predict", "2", question]);
    expect(status).toBe(0);
    expect(stderr).toBe("medinfer: the answer is not whole: it ended with length\n");
  });
});

describe("a chat line by line", () => {
  it("keeps what was said, and tells of its last answer", async () => {
    const { status, stdout, stderr } = await talk([question, "/stats", "And what is gout?", "/stats"]);
    expect(status).toBe(0);
    expect(stdout.trimEnd().split("\n")).toHaveLength(2);
    const known = [...stderr.matchAll(/(\d+) of them known from before/g)].map(([, count]) => Number(count));
    expect(known[0]).toBe(0);
    expect(known[1]).toBeGreaterThan(10);
    expect(stderr).toContain("so far  2 turns");
  });

  it("begins anew with /reset and /system", async () => {
    const { stdout, stderr } = await talk([question, "/reset", question, "/system Be brief.", question, "/stats"]);
    const [first, second] = stdout.split("\n");
    expect(second).toBe(first);
    expect(stderr).toContain("a new conversation with this system message");
    expect(stderr).toContain("so far  1 turn");
  });

  it("saves and loads, in files of the owner's alone", async () => {
    const file = path.join(folder, "talk.session");
    const { stderr } = await talk([question, `/save ${file}`]);
    expect(stderr).toContain("saved, 1 turn");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const later = await talk([`/load ${file}`, "And what is gout?", "/stats"]);
    expect(later.stderr).toContain("loaded, 1 turn");
    expect(later.stderr).toContain("so far  2 turns");
    expect(later.status).toBe(0);
  });

  it("takes an image with the next message, and only with that", async () => {
    const { stderr } = await talk([`/image ${prescription}`, "Read it.", "/stats", "/reset", "Read it.", "/stats"]);
    const [first, second] = [...stderr.matchAll(/prompt {2}(\d+) tokens/g)].map(([, count]) => Number(count));
    expect(first).toBeGreaterThan(second! + 20);
  });

  it("takes options of answers, and a message of several lines", async () => {
    const lines = [
      "/set n-predict 3",
      '"""',
      "What is gout?",
      "What is hypertension?",
      '"""',
      "/stats",
      "/set",
      "/set nPredict",
    ];
    const { stderr } = await talk(lines);
    expect(stderr).toContain("answer  3 tokens");
    expect(stderr).toContain("  n-predict 3\n");
    expect(stderr).toContain("so far  1 turn");
    expect(stderr).toContain("n-predict: the default");
  });

  it("says what is wrong in a line and goes on; in a pipe its status tells it", async () => {
    const lines = [
      "/hlep",
      "/set temprature 1",
      "/set temperature hot",
      "/image missing.png",
      "/load missing",
      question,
    ];
    const { status, stdout, stderr } = await talk(lines);
    expect(status).toBe(1);
    expect(stdout).toMatch(/\w/);
    const complaints = stderr.trimEnd().split("\n");
    expect(complaints).toHaveLength(5);
    expect(complaints[0]).toContain("did you mean help?");
    expect(complaints[1]).toContain("did you mean temperature?");
    expect(complaints[2]).toContain("a number from -1 to 100");
    expect(complaints[3]).toMatch(/^medinfer: IMAGE_NOT_FOUND: /);
    expect(complaints[4]).toMatch(/^medinfer: BAD_SESSION: /);
  });

  it("keeps lines only where --history names a file", async () => {
    const file = path.join(folder, "history");
    await talk(["/stats", "What is gout?"], ["--history", file]);
    expect(readFileSync(file, "utf8")).toBe("/stats\nWhat is gout?\n");
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

describe("Ctrl-C", () => {
  // So that an answer takes until it is stopped.
  const endless = ["--ignore-eos", "--n-predict", "-1", "--n-ctx", "4096"];

  it("stops the answer, which is then no part of the conversation; a second one leaves", async () => {
    const { status, stdout, stderr } = await run(["chat", "--interactive", ...endless], {
      input: null,
      onStart(child) {
        child.stdin.write(`${question}\n`);
        child.stdout.once("data", () => child.kill("SIGINT"));
        child.stderr.on("data", (data: Buffer) => {
          if (data.includes("stopped")) child.stdin.write("/help\n");
          if (data.includes("this list")) child.kill("SIGINT");
        });
      },
    });
    expect(stderr).toContain("stopped: this message and its answer are no part of the conversation");
    expect(stdout.length).toBeGreaterThan(0);
    expect(status).toBe(130);
  });

  it("ends a single answer with 130", async () => {
    const { status, stderr } = await run(["chat", ...endless, question], {
      onStart: (child) => child.stdout.once("data", () => child.kill("SIGINT")),
    });
    expect({ status, stderr }).toEqual({ status: 130, stderr: "medinfer: interrupted\n" });
  });
});

describe.skipIf(!existsSync("/usr/bin/script"))("at a terminal", () => {
  /** In a terminal of its own, which `script` makes: what is typed at each prompt, and all that is shown. */
  const terminal = (typed: readonly string[]) =>
    new Promise<{ status: number | null; shown: string }>((resolve, reject) => {
      const command = [process.execPath, "--no-warnings", program, "chat", ...greedy].join(" ");
      const env = { ...process.env, TERM: "xterm", NO_COLOR: "1" };
      const child = spawn("/usr/bin/script", ["-qec", command, "/dev/null"], { env, timeout: 60_000 });
      const left = [...typed];
      let shown = "";
      let unread = "";
      child.stdout.on("data", (data: Buffer) => {
        shown += data.toString();
        unread += data.toString();
        if (!unread.includes("> ") || left.length === 0) return;
        unread = "";
        // Its stdin stays open: behind the end of that, `script` may wait for ever.
        child.stdin.write(left.shift()!);
      });
      child.on("error", reject);
      child.on("close", (status) => resolve({ status, shown }));
    });

  it("shows a prompt, answers, and leaves with /exit", async () => {
    const { status, shown } = await terminal(["What is gout?\r", "/exit\r"]);
    expect(status).toBe(0);
    expect(shown).toContain("/help lists commands");
    expect(shown).toMatch(/arthritis/);
  });

  it("leaves with 130 where Ctrl-C is typed at the prompt", async () => {
    expect((await terminal(["\x03"])).status).toBe(130);
  });
});

describe("with a server", () => {
  it("streams the same answer as a model that is loaded here", async () => {
    const answer = await printed(["chat", ...greedy, question]);
    expect(await printed(["chat", ...greedy, "--url", url(), question])).toBe(answer);
    const { status, stdout } = await run(["chat", ...greedy, question], { env: { MEDINFER_URL: `${url()}/v1` } });
    expect({ status, stdout }).toEqual({ status: 0, stdout: answer });
  });

  it("talks line by line, with images, saves and loads", async () => {
    const file = path.join(folder, "remote.json");
    const at = ["--url", url(), "--model", model];
    const first = await talk([`/image ${prescription}`, "Read it.", "/stats", `/save ${file}`], at);
    expect(first).toMatchObject({ status: 0 });
    expect(Number(/prompt {2}(\d+)/.exec(first.stderr)![1])).toBeGreaterThan(30);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const second = await talk([`/load ${file}`, question, "/stats"], at);
    expect(second.stderr).toContain("so far  2 turns");
  });

  it("says what the server says, and what does not answer", async () => {
    const unknown = await run(["chat", "--url", url(), "--model", "other", question]);
    expect(unknown.status).toBe(1);
    expect(unknown.stderr).toMatch(/^medinfer: model_not_found: the server says: [^\n]*medinfer-tiny\n$/);
    const { status, stderr } = await run(["chat", "--url", "http://127.0.0.1:1", question]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^medinfer: SERVER_UNREACHABLE: no server answers at 127\.0\.0\.1:1 [^\n]*\n$/);
  });

  it("refuses flags of a model of one's own", async () => {
    const { status, stderr } = await run(["chat", "--url", url(), "--n-ctx", "512", question]);
    expect(status).toBe(2);
    expect(stderr).toContain("--n-ctx is of a model that is loaded here");
    const withPassword = await run(["chat", "--url", "http://user:secret@127.0.0.1:1", question]);
    expect(withPassword.status).toBe(2);
    expect(withPassword.stderr).not.toContain("secret");
  });
});
