/** Values with their evidence and confidence, and FHIR from them. Runs in Node and in browsers. */
export { fromOpenAi } from "./answer/tokens.js";
export { confidenceOf, embeddedCalibration } from "./confidence/calibration.js";
export { fitCalibration } from "./confidence/fit.js";
export { gradeAnswer } from "./confidence/grade.js";
export { measureReliability } from "./confidence/reliability.js";
export { ExtractError } from "./errors.js";
export { evidenceEntries, isFieldEvidence } from "./evidence.js";
export { evidenceOf } from "./evidence-of.js";
export { CodeTable } from "./fhir/code-table.js";
export { answerMapping } from "./fhir/mapping.js";
export { toFhir } from "./fhir/to-fhir.js";

export type { JsonLeaf, Path } from "./answer/json-tree.js";
export type { DrawnToken, OpenAiLogprob } from "./answer/tokens.js";
export type { Calibration } from "./confidence/calibration.js";
export type { Sample } from "./confidence/fit.js";
export type { Grade, GradedValue } from "./confidence/grade.js";
export type { Judged, Reliability, ReliabilityBin } from "./confidence/reliability.js";
export type { ValueScores } from "./confidence/scores.js";
export type { ExtractErrorCode } from "./errors.js";
export type { Evidence, EvidenceTree, FieldEvidence } from "./evidence.js";
export type { AnswerEvidence, EvidenceOptions } from "./evidence-of.js";
export type { CodeTables, Unmapped } from "./fhir/context.js";
export type { FhirMapping } from "./fhir/mapping.js";
export type { FhirModel, FhirSource } from "./fhir/provenance.js";
export type { FhirOptions, FhirResult } from "./fhir/to-fhir.js";
export type { DateOrder } from "./text-layer/dates.js";
export type { Box, EvidencePage, Word } from "./text-layer/types.js";
