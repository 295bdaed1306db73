#include "quick_wake_up.h"

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#endif

namespace medinfer {

#ifdef __linux__
namespace {

// struct sched_attr of sched_setattr(2), first version: glibc declares it from 2.41 on only.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;  // ns; of an ordinary thread the time slice, 0 for the usual one
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

constexpr std::uint32_t kOrdinary = 0;        // SCHED_OTHER
constexpr std::uint64_t kResetOnFork = 1;     // SCHED_FLAG_RESET_ON_FORK
constexpr std::uint64_t kShortest = 100'000;  // the least that the kernel takes

}  // namespace

void PreferQuickWakeUp() {
  SchedulingAttributes attributes;
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0U) != 0) return;
  // Whoever runs the thread under another policy has decided already.
  if (attributes.policy != kOrdinary) return;
  attributes.size = sizeof(attributes);
  attributes.flags |= kResetOnFork;
  attributes.runtime = kShortest;
  static_cast<void>(syscall(SYS_sched_setattr, 0, &attributes, 0U));
}
#else
void PreferQuickWakeUp() {}
#endif

}  // namespace medinfer
