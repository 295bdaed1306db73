// A worker of a thread pool that slept is woken on another CPU than the one whose thread waits for it, see
// native/patches.
#if defined(__gnu_linux__)

#include <ggml-cpp.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "support/cpu_graph.h"

namespace medinfer {
namespace {

// What the threads of a graph see of themselves when they compute a node.
struct Seen {
  int cpu = -1;
  cpu_set_t allowed{};
};

void LookAround(ggml_tensor* /*result*/, const ggml_tensor* /*a*/, int ith, int /*nth*/, void* seen) {
  Seen& own = static_cast<Seen*>(seen)[ith];
  own.cpu = sched_getcpu();
  EXPECT_EQ(pthread_getaffinity_np(pthread_self(), sizeof(own.allowed), &own.allowed), 0);
}

cpu_set_t Allowed() {
  cpu_set_t set;
  EXPECT_EQ(pthread_getaffinity_np(pthread_self(), sizeof(set), &set), 0);
  return set;
}

void StayOn(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  EXPECT_EQ(pthread_setaffinity_np(pthread_self(), sizeof(set), &set), 0);
}

// Keeps every CPU of `allowed` but one busy.
class BusyCpus {
 public:
  BusyCpus(const cpu_set_t& allowed, int but) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (cpu == but || !CPU_ISSET(cpu, &allowed)) continue;
      threads_.emplace_back([this, cpu] {
        StayOn(cpu);
        while (!over_.load(std::memory_order_relaxed)) {
        }
      });
    }
  }
  ~BusyCpus() {
    over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> over_ = false;
  std::vector<std::thread> threads_;
};

TEST(WorkerWakeUp, IsNotOnTheCpuOfTheThreadThatWaitsAndMayRunAnywhereAfterwards) {
  const cpu_set_t allowed = Allowed();
  if (CPU_COUNT(&allowed) < 2) GTEST_SKIP() << "there is one CPU";
  CpuGraph graph(/*outward=*/true);  // whose threads are its own
  ggml_tensor* a = ggml_new_tensor_1d(graph.context(), GGML_TYPE_F32, 32);
  Seen seen[CpuGraph::kThreads];
  ggml_tensor* node = ggml_map_custom1(graph.context(), a, LookAround, CpuGraph::kThreads, seen);
  graph.Allocate();
  graph.Compute(node);
  const int own = sched_getcpu();
  constexpr int kTimes = 20;
  int elsewhere = 0;
  {
    const BusyCpus busy(allowed, own);
    StayOn(own);
    for (int i = 0; i < kTimes; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(40));  // longer than a worker looks for work
      seen[1] = {};
      graph.Compute(node);
      elsewhere += seen[1].cpu != own ? 1 : 0;
      EXPECT_NE(CPU_EQUAL(&seen[1].allowed, &allowed), 0);
    }
    EXPECT_EQ(pthread_setaffinity_np(pthread_self(), sizeof(allowed), &allowed), 0);
  }
  // The scheduler may take it back as soon as it may run anywhere, and on a busy host does so one time in five. Where
  // nobody closes the CPU to it, it wakes elsewhere one time in twenty, or never.
  EXPECT_GE(elsewhere, kTimes / 2);
}

}  // namespace
}  // namespace medinfer

#endif
