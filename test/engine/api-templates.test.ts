import { builtinChatTemplates, MedInferError, renderChat } from "medinfer";
import { describe, expect, it } from "vitest";

const conversation = [
  { role: "system", content: "SYS" },
  { role: "user", content: "Q1" },
  { role: "assistant", content: "A1" },
  { role: "user", content: "Q2" },
];

/** llama.cpp v0.5.0, byte for byte. */
const expected = {
  vicuna: "SYS\n\nUSER: Q1\nASSISTANT: A1</s>\nUSER: Q2\nASSISTANT:",
  "vicuna-orca": "SYSTEM: SYS\nUSER: Q1\nASSISTANT: A1</s>\nUSER: Q2\nASSISTANT:",
  chatml:
    "<|im_start|>system\nSYS<|im_end|>\n<|im_start|>user\nQ1<|im_end|>\n<|im_start|>assistant\nA1<|im_end|>\n" +
    "<|im_start|>user\nQ2<|im_end|>\n<|im_start|>assistant\n",
  llama2: "[INST] SYS\nQ1 [/INST]A1</s>[INST] Q2 [/INST]",
  "llama2-sys": "[INST] <<SYS>>\nSYS\n<</SYS>>\n\nQ1 [/INST]A1</s>[INST] Q2 [/INST]",
};

describe("llama.cpp's templates", () => {
  it.each(Object.entries(expected))("%s", (name, prompt) => {
    expect(renderChat(name, conversation)).toEqual({ prompt, stopStrings: [] });
  });

  it("are 54, and every one keeps what the user says", () => {
    const names = builtinChatTemplates();
    expect(names).toHaveLength(54);
    for (const name of names) {
      const { prompt } = renderChat(name, conversation);
      expect(prompt, name).toContain("Q1");
      expect(prompt, name).toContain("Q2");
      expect(prompt, name).not.toContain("\0");
    }
  });

  it("omit an empty system message", () => {
    const [, ...rest] = conversation;
    for (const name of ["vicuna", "chatml", "llama2-sys"]) {
      const empty = [{ role: "system", content: "" }, ...rest];
      expect(renderChat(name, empty), name).toEqual(renderChat(name, rest));
    }
  });

  it("hold texts of any length and script", () => {
    const content = "Fièvre 39 °C — 发烧 🤒\n".repeat(5000);
    expect(renderChat("vicuna", [{ role: "user", content }]).prompt).toBe(`USER: ${content}\nASSISTANT:`);
    expect(renderChat("vicuna", [{ role: "user", content: "a\0b" }]).prompt).toBe("USER: a\0b\nASSISTANT:");
  });

  it("refuse roles that they would drop or take for another", () => {
    for (const name of ["vicuna", "vicuna-orca", "llama2", "mistral-v1"]) {
      expect(() => renderChat(name, [{ role: "tool", content: "x" }]), name).toThrow(MedInferError);
    }
    expect(renderChat("chatml", [{ role: "tool", content: "x" }]).prompt).toContain("tool\nx");
  });
});
