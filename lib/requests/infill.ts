/** Prompts that ask for the text between two others. */
import { types } from "node:util";
import type { PromptPiece } from "../chat/markers.js";
import type { EngineCore } from "../core.js";
import { argumentError } from "../errors.js";
import type { ResolvedCompleteOptions } from "../options/request-options.js";

/** Whether a completion is infill: either text is enough. */
export function isInfill({ inputPrefix, inputSuffix }: ResolvedCompleteOptions): boolean {
  return inputPrefix !== undefined || inputSuffix !== undefined;
}

/**
 * What the model reads: the texts, each behind its control token, and in them no token acts. The prompt is what the text
 * between them begins with, so it stands behind the prefix, as one text with it.
 *
 * @throws MedInferError `INVALID_ARGUMENT` where the model has no such tokens, and for what infill has no use for
 */
export function infillPieces(core: EngineCore, call: string, options: ResolvedCompleteOptions): PromptPiece[] {
  const { inputPrefix = "", inputSuffix = "", suffixFirst = false, prompt = "", parseSpecial, images, echo } = options;
  const { infill } = core.info;
  if (!infill) {
    const option = options.inputPrefix === undefined ? "inputSuffix" : "inputPrefix";
    throw argumentError(
      call,
      option,
      "needs a model with tokens for a prefix, a suffix and a middle, and this one's vocabulary has none (info.infill)",
    );
  }
  if (images.length > 0 || (typeof prompt !== "string" && !types.isInt32Array(prompt))) {
    throw argumentError(call, images.length > 0 ? "images" : "prompt", "must be left out, or a text, beside infill");
  }
  if (echo) throw argumentError(call, "echo", "has no meaning beside infill: leave it out");
  const token = (id: number): PromptPiece => ({ tokens: Int32Array.of(id) });
  const text = (said: string, acts = false): PromptPiece[] => (said === "" ? [] : [{ text: said, parseSpecial: acts }]);
  const begun = types.isInt32Array(prompt) ? [{ tokens: prompt }] : text(prompt, parseSpecial);
  const before = [token(infill.prefix), ...text(inputPrefix), ...begun];
  const behind = [token(infill.suffix), ...text(inputSuffix)];
  return [...(suffixFirst ? [...behind, ...before] : [...before, ...behind]), token(infill.middle)];
}
