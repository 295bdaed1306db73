/** What the tests of several endpoints ask with. */
import { readFileSync } from "node:fs";

import { fromRoot } from "../../../../test/support/paths.mjs";

/** A picture of a prescription, PNG, in base64. */
export const prescription = readFileSync(fromRoot("examples", "prescriptions", "00000.png")).toString("base64");

/** Arguments of a tool that looks up a drug. */
export const drugSchema = {
  type: "object" as const,
  properties: { drug: { enum: ["aspirin", "metformin"] } },
  required: ["drug"],
  additionalProperties: false,
};

/** Its numbers may go on where they seem to end. */
export const doseSchema = {
  type: "object" as const,
  properties: { mg: { type: "integer", minimum: 100, maximum: 999 }, ml: { type: "number" } },
  required: ["mg", "ml"],
  additionalProperties: false,
};
