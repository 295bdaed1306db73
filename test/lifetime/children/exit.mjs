// Ends the process in a phase of its engine: HOW PHASE.
import { enter } from "./phases.mjs";

const [how, phase] = process.argv.slice(2);

const ways = {
  exit: () => process.exit(7),
  later: () => void setTimeout(() => process.exit(7), 3),
  // The two without the "exit" event that the addon listens to.
  listener: () => {
    process.removeAllListeners("exit");
    process.exit(7);
  },
  reallyExit: () => process.reallyExit(7),
  // Out of the event callback, on the stack of a call from C++.
  uncaught: () => {
    process.on("uncaughtException", () => process.exit(7));
    throw new Error("uncaught");
  },
};

await enter(phase, { reached: ways[how] });
