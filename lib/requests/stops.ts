import { compileRegex } from "../stops/compile-regex.js";
import { programOfTexts } from "../stops/program.js";
import { StopScanner } from "../stops/stop-scanner.js";

/** Who looks for which stops. */
interface DividedStops {
  /** Looks in JavaScript; undefined where there is nothing to look for. */
  scanner: StopScanner | undefined;
  /** What the engine looks for, at the moment in which a token is drawn. */
  nativeStops: string[];
}

/**
 * The engine looks for stop strings. Beside regexes they are looked for here as well, all at once: otherwise the engine
 * would cut the text at a string, and never show what a regex that begins earlier needs to see behind it.
 */
export function divideStops(strings: readonly string[], regexes: readonly (RegExp | string)[]): DividedStops {
  const unique = [...new Set(strings)];
  if (regexes.length === 0) return { scanner: undefined, nativeStops: unique };
  const programs = regexes.map(compileRegex);
  return { scanner: new StopScanner([programOfTexts(unique), ...programs]), nativeStops: [] };
}
