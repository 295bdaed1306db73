/** What a request tells a chat template's own variables. */
import * as v from "valibot";
import { argumentError } from "../errors.js";
import { any } from "../validation/fields.js";
import type { ControlTokens } from "./control-tokens.js";
import { reservedNames } from "./jinja-globals.js";
import type { TemplateArguments } from "./types.js";

const isMap = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);

const isArgument = (value: unknown) =>
  typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));

/** What is wrong with an entry; undefined: nothing. */
function fault(name: string, value: unknown): string | undefined {
  if (reservedNames.has(name)) return "is not for a request to set: every template finds its own value there";
  if (!/^[A-Za-z]\w{0,63}$/.test(name)) return "is no name of a variable: up to 64 letters, digits or underscores";
  return isArgument(value) ? undefined : "must be a string, a finite number, true or false";
}

/** Checks `templateArguments`; each entry that is wrong is named. */
export const templateArgumentsSchema = v.optional(
  v.pipe(
    any<TemplateArguments>(isMap, "an object of strings, numbers, true and false by the names of variables"),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const input = dataset.value as Record<string, unknown>;
      for (const [key, value] of Object.entries(input)) {
        const message = fault(key, value);
        if (message !== undefined)
          addIssue({ message, path: [{ type: "object", origin: "value", input, key, value }] });
      }
    }),
    // A copy of its own: what a request says does not change while it runs.
    v.transform((given): TemplateArguments => Object.freeze({ ...given })),
  ),
  () => ({}),
);

/** An argument becomes the template's own text, in which control tokens act. */
export function refuseControlTokens(template: string, given: TemplateArguments, control: ControlTokens): void {
  for (const [name, value] of Object.entries(given)) {
    if (typeof value === "string" && control.countIn([value]) > 0) {
      const path = `templateArguments.${name}`;
      throw argumentError(`the chat template "${template}"`, path, "must not hold the text of a control token");
    }
  }
}
