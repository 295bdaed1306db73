/** The kinds of fields that only sampling parameters have. */
import { types } from "node:util";
import * as v from "valibot";
import { any } from "../validation/fields.js";
import type { LogitBias } from "./types.js";

const LARGEST_BIAS = 1000;

const isToken = (id: unknown) => Number.isInteger(id) && Number(id) >= 0 && Number(id) < 2 ** 31;

/** Token ids. Whether a vocabulary has them is the engine's to say. */
export function tokenIds() {
  return any<readonly number[] | Int32Array>(
    (value) => (Array.isArray(value) || types.isInt32Array(value)) && value.every(isToken),
    "a list of token ids, integers of 0 or more",
  );
}

/** A text or token ids. */
export function textOrTokenIds() {
  return any<string | readonly number[] | Int32Array>(
    (value) => typeof value === "string" || v.is(tokenIds(), value),
    "a string or a list of token ids, integers of 0 or more",
  );
}

/** A map from `key`s to biases; each entry that is wrong is named. */
export function biases<TKey extends string | number>(key: "a token id" | "a text") {
  const isKey = (text: string) => (key === "a text" ? text !== "" : /^(0|[1-9]\d{0,9})$/.test(text) && isToken(+text));
  const keyMessage = key === "a text" ? "must not be empty" : "is no token id: an integer of 0 or more";
  const valueMessage = `must be a number from ${-LARGEST_BIAS} to ${LARGEST_BIAS}, or false for a token that is never drawn`;
  return v.pipe(
    any<Readonly<Record<TKey, LogitBias>>>(
      (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !types.isMap(value),
      `an object of biases by ${key.slice(2)}`,
    ),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const input = dataset.value as Record<string, unknown>;
      for (const [name, bias] of Object.entries(input)) {
        const good = bias === false || (typeof bias === "number" && Math.abs(bias) <= LARGEST_BIAS);
        const path = [{ type: "object", origin: "value", input, key: name, value: bias }] as const;
        // Texts may be a patient's: the message names no key of a map by text.
        const shown = key === "a text" ? undefined : ([path[0]] as [(typeof path)[0]]);
        const issue = (message: string) => addIssue(shown ? { message, path: shown } : { message });
        if (!isKey(name)) issue(key === "a text" ? `holds a text that ${keyMessage}` : keyMessage);
        else if (!good) issue(key === "a text" ? `holds a bias that ${valueMessage}` : valueMessage);
      }
    }),
  );
}
