// Scripts end in one sentence that says what to do, not in a stack trace.

/** An expected failure: its message is the whole answer. */
export class Failure extends Error {}

/** Runs a script's main function and turns a Failure into one line on stderr and exit status 1. */
export async function runMain(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error(`medinfer: ${error.message}`);
    process.exitCode = 1;
  }
}
