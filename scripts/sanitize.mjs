// The native tests under a sanitizer: node scripts/sanitize.mjs asan|tsan [ARGUMENT OF GOOGLETEST]…
// "quick" in the place of the arguments: what CI runs, without the tests that take long texts or no second thread.
import path from "node:path";

import { build } from "./build.mjs";
import { Failure, runMain } from "./lib/fail.mjs";
import { fromRoot } from "./lib/paths.mjs";
import { runShards } from "./lib/shards.mjs";

const environments = {
  asan: {
    ASAN_OPTIONS: "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
    LSAN_OPTIONS: `suppressions=${fromRoot("cmake", "lsan-suppressions.txt")}`,
    UBSAN_OPTIONS: "print_stacktrace=1:halt_on_error=1",
  },
  tsan: { TSAN_OPTIONS: `second_deadlock_stack=1:suppressions=${fromRoot("cmake", "tsan-suppressions.txt")}` },
};

/** Of the tests: for asan all but those of every vocabulary and of two devices, for tsan those of threads. */
const quick = {
  asan: "-*Vocabular*:*RandomTexts*:Split.*:Offload.*:RegexSplitter*:AdaptiveP.*",
  tsan: "Engine*:States*:Choices*:Preparing*:Outbox*:*ImageEncoder*:*EmbeddingCache*:ThreadGovernor*:*CpuShare*:DiskPages*:*Cancel*",
};

await runMain(async () => {
  const [variant, ...given] = process.argv.slice(2);
  if (!environments[variant]) throw new Failure("say which sanitizer: asan or tsan");
  const args = given[0] === "quick" ? [`--gtest_filter=${quick[variant]}`, ...given.slice(1)] : given;
  const programs = ["medinfer_scheduling_tests", "medinfer_tests"];
  const { out } = await build({ variant, tests: true, targets: programs });
  for (const program of programs) {
    const ends = await runShards(path.join(out, "bin", program), () => args, environments[variant]);
    const wrong = ends.find((end) => end !== 0);
    if (wrong !== undefined) throw new Failure(`${program} fails under ${variant} (${wrong})`);
  }
});
