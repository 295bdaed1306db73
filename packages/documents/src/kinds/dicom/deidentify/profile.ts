/** The Basic Application Level Confidentiality Profile, PS3.15 section E.2 and table E.1-1. */
import { familiesOf, hexOf } from "../dictionary.js";
import { profileTable } from "../profile-table.js";

/** What becomes of an attribute. */
export type Action =
  | "keep"
  | "remove"
  /** Of no length. */
  | "empty"
  /** A value that says nothing. */
  | "dummy"
  /** A UID of the same meaning to all files of one secret. */
  | "uid"
  /** A sequence stays, and what is in it is treated. */
  | "enter";

/**
 * Combined codes leave the choice to what the object's definition asks for: absent, empty or a value. Here the one that is right for
 * each of them is taken: a value satisfies all three, an empty one all but the first. Sequences are emptied instead.
 */
const choices: Record<string, Action> = {
  X: "remove",
  Z: "empty",
  D: "dummy",
  U: "uid",
  "Z/D": "dummy",
  "X/Z": "empty",
  "X/D": "dummy",
  "X/Z/D": "dummy",
  "X/Z/U*": "enter",
};

/** Where another choice is right: Referenced Study Sequence, X/Z, may be absent and must not be empty (PS3.3 table C.7-3). */
const exceptions = new Map<string, Action>([["00081110", "remove"]]);

let profile: Map<string, Action> | undefined;

/** What the profile says of a public attribute. */
export function actionOf(tag: number): Action {
  profile ??= read();
  const hex = hexOf(tag);
  const exact = profile.get(hex);
  if (exact !== undefined) return exact;
  for (const mask of familiesOf(hex)) {
    const family = profile.get(mask);
    if (family !== undefined) return family;
  }
  return "keep";
}

function read(): Map<string, Action> {
  const actions = new Map<string, Action>();
  for (const line of profileTable.trim().split("\n")) {
    const [tag, code] = line.split(" ") as [string, string];
    actions.set(tag, exceptions.get(tag) ?? choices[code]!);
  }
  return actions;
}
