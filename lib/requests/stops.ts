import type { StopRegex } from "../options/text-options.js";
import { programOfTexts } from "../stops/program.js";
import { StopScanner } from "../stops/stop-scanner.js";

/** Which stops are looked for in JavaScript, and which by the engine. */
interface DividedStops {
  /** A scanner for one completion: it has a state. Undefined where JavaScript looks for nothing. */
  newScanner: (() => StopScanner) | undefined;
  /** What the engine looks for, at the moment in which a token is drawn. */
  nativeStops: string[];
}

/**
 * The engine looks for stop strings. Beside regexes they are looked for here as well, all at once: otherwise the engine
 * would cut the text at a string, and never show what a regex that begins earlier needs to see behind it.
 */
export function divideStops(strings: readonly string[], regexes: readonly StopRegex[]): DividedStops {
  const unique = [...new Set(strings)];
  if (regexes.length === 0) return { newScanner: undefined, nativeStops: unique };
  const programs = [programOfTexts(unique), ...regexes.map(({ program }) => program)];
  return { newScanner: () => new StopScanner(programs), nativeStops: [] };
}
