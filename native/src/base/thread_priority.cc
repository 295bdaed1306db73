#include "base/thread_priority.h"

#ifdef __linux__
#include <sys/resource.h>

#include <algorithm>
#endif

namespace medinfer {

#ifdef __linux__
namespace {

// Linux weighs a thread by 1024 / 1.25^nice: ten more are a tenth (kernel/sched/core.c, sched_prio_to_weight).
constexpr int kStep = 10;
constexpr int kLowest = 19;

}  // namespace

void LowerThreadPriority() {
  // 0 is the calling thread here, not its process (setpriority(2), "C library/kernel differences"). It may not be
  // allowed: then the thread stays as it is.
  static_cast<void>(setpriority(PRIO_PROCESS, 0, std::min(getpriority(PRIO_PROCESS, 0) + kStep, kLowest)));
}
#else
void LowerThreadPriority() {}
#endif

}  // namespace medinfer
