import { parse, URL as NodeUrl } from "node:url";
import { createContext, runInContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { toUrl } from "../../lib/url.js";

describe("toUrl", () => {
  it("takes URL objects of any make", () => {
    const own = new URL("file:///a%20b");
    expect(toUrl(own)).toBe(own);
    // As jsdom's: a class of its own, with the parts as getters.
    const context = createContext({ NodeUrl });
    const foreign: unknown = runInContext(
      `class URL { #url; constructor(text) { this.#url = new NodeUrl(text); }
         get href() { return this.#url.href; } get protocol() { return this.#url.protocol; } }
       new URL("https://example.org/x?y")`,
      context,
    );
    expect(foreign).not.toBeInstanceOf(URL);
    const url = toUrl(foreign);
    expect(url).toBeInstanceOf(URL);
    expect(url!.href).toBe("https://example.org/x?y");
  });

  it.each([
    ["a string", "file:///a"],
    ["null", null],
    ["undefined", undefined],
    ["a number", 1],
    ["an empty object", {}],
    ["what parses to no URL", { href: "no", protocol: "no" }],
    ["what the old parse() makes", parse("file:///a")],
    ["a location without text", { href: 1, protocol: "file:" }],
  ])("does not take %s", (_name, value) => {
    expect(toUrl(value)).toBeUndefined();
  });
});
