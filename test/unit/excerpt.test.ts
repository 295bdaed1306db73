import { describe, expect, it } from "vitest";
import { MedInferError, toMedInferError } from "../../lib/errors.js";
import { boundedCause, excerpt, excerptPath } from "../../lib/excerpt.js";

const long = "Zq7".repeat(1000);

describe("excerpt", () => {
  it("shows a short text as it is, on one line", () => {
    expect(excerpt("a.png")).toBe("a.png");
    expect(excerpt("a\nb\x1b[31m\u2028c\ud800")).toBe("a b [31m c ");
  });

  it("cuts a long one, and no character in two", () => {
    expect(excerpt(long, 9)).toBe("Zq7Zq7Zq7…");
    expect(excerpt("ab😀", 3)).toBe("ab …");
    expect(excerptPath(`/folder/${long}/name.gguf`, 12)).toBe("…/name.gguf".replace("/", "q7/"));
    expect(excerptPath("/a/b.gguf")).toBe("/a/b.gguf");
  });
});

describe("boundedCause", () => {
  it("keeps a short error as it is, with what it carries", () => {
    const cause = Object.assign(new Error("no"), { code: "ENOENT", path: "/a", cause: new TypeError("x") });
    expect(boundedCause(cause)).toBe(cause);
    expect(toMedInferError(cause).cause).toBe(cause);
    expect(boundedCause(undefined)).toBeUndefined();
    expect(boundedCause(7)).toBe(7);
  });

  it.each([
    ["in its message", new TypeError(`cannot read ${long}`)],
    ["in a property", Object.assign(new TypeError("no"), { path: long })],
    ["in its cause", new TypeError("no", { cause: new Error(long) })],
    ["in one of its errors", new AggregateError([new Error(long)], "no")],
  ])("copies an error with a long text %s, without it", (_, cause) => {
    const copy = boundedCause(cause) as Error;
    expect(copy).not.toBe(cause);
    expect(copy.name).toBe(cause.name);
    expect(copy.stack).toContain("excerpt.test.ts");
    const text = [copy.message, copy.stack!, ...Object.values(copy)].map(String).join("");
    expect(text.split("Zq7").length * 3).toBeLessThan(450); // once in the message, once in the stack
    expect(copy.message.length).toBeLessThanOrEqual(201);
  });

  it("keeps the code of an error of the system, and takes what was thrown and is no error", () => {
    const cause = Object.assign(new Error(`ENOENT: no such file, stat '${long}'`), { code: "ENOENT", path: long });
    expect(boundedCause(cause)).toMatchObject({ code: "ENOENT" });
    expect(boundedCause(long)).toHaveLength(201);
    expect(boundedCause({ patient: long })).toBe("a thrown object");
    const throwing = Object.defineProperty(new Error("no"), "code", {
      enumerable: true,
      get: () => {
        throw new Error(long);
      },
    });
    expect(boundedCause(throwing)).toBe("a thrown object");
    expect(new MedInferError("INTERNAL", "x", { cause: boundedCause({ patient: long }) }).cause).not.toContain("Zq7");
  });
});
