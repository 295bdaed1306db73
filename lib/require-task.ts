import type { EngineCore } from "./core.js";
import { MedInferError } from "./errors.js";
import type { ModelInfo } from "./native/model-info.js";

/** @throws MedInferError `WRONG_TASK` where the engine was loaded for another task than that of the call */
export function requireTask(core: EngineCore, task: ModelInfo["task"], call: string): void {
  if (core.info.task === task) return;
  throw new MedInferError(
    "WRONG_TASK",
    `${call}: the engine was loaded with task: "${core.info.task}": load one with task: "${task}"`,
  );
}
