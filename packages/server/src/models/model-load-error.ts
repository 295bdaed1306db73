import { MedInferError } from "medinfer";

/** What a model was not loaded for: nothing that a request has said, and its operator's to mend. */
export class ModelLoadError extends MedInferError {
  /** Its name, as the configuration has it. */
  readonly model: string;

  /** @param cause the library's; its message may hold options and names of files */
  constructor(model: string, cause: MedInferError) {
    const { code, message, issues, retryable } = cause;
    super(code, `the model ${model}: ${message}`, { cause, issues: [...issues], retryable });
    this.model = model;
  }
}
