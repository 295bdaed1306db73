/** What the program ends with. The README and the help tell users of these. */
export const FAILED = 1;
export const MISUSED = 2;
/** Of many rows some failed; the others are done. */
export const SOME_FAILED = 3;
/** By Ctrl-C, as shells number it. */
export const INTERRUPTED = 130;
