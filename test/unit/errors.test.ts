import { describe, expect, it } from "vitest";
import { MedInferError, toMedInferError } from "../../lib/errors.js";
import { nativeError } from "./support/fake-addon.js";

describe("toMedInferError", () => {
  it("keeps the addon's code, message and retryable", () => {
    expect(toMedInferError(nativeError("QUEUE_FULL", "full", true))).toMatchObject({
      name: "MedInferError",
      code: "QUEUE_FULL",
      message: "full",
      retryable: true,
      issues: [],
    });
  });

  it("keeps a MedInferError as it is, and hides nothing else", () => {
    const own = new MedInferError("CLOSED", "x");
    expect(toMedInferError(own)).toBe(own);
    const stranger = Object.assign(new Error("x"), { code: "ENOENT" });
    expect(toMedInferError(stranger)).toMatchObject({ code: "INTERNAL", cause: stranger });
    expect(toMedInferError("x")).toMatchObject({ code: "INTERNAL", cause: "x" });
  });
});
