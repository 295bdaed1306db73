#include "model/thread_governor.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

namespace medinfer {
namespace {

// A host: ms of one step by thread count.
using Host = std::function<double(std::uint32_t)>;

// Simulates steps for `ms` of simulated time; returns the time spent per step, and how much of it with `expected`
// threads.
struct Replay {
  double mean_ms;
  double share;
};
Replay Simulate(ThreadGovernor& governor, const Host& host, double ms, std::uint32_t expected, std::mt19937& random) {
  std::uniform_real_distribution<double> noise(0.9, 1.1);
  double spent = 0;
  double matching = 0;
  int steps = 0;
  while (spent < ms) {
    const std::uint32_t threads = governor.threads();
    const double cost = host(threads) * noise(random);
    governor.Report(1, cost);
    spent += cost;
    if (threads == expected) matching += cost;
    ++steps;
  }
  return {spent / steps, matching / spent};
}

TEST(ThreadGovernor, OneCoreNeedsNoTrials) {
  ThreadGovernor governor(1);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(governor.threads(), 1U);
    governor.Report(1, 5);
  }
}

// The figures of a two-core host, in ms per token: quiet, and with one core kept busy by another process.
TEST(ThreadGovernor, FollowsATwoCoreHostThroughBusyAndQuiet) {
  std::mt19937 random(5);
  const Host quiet = [](std::uint32_t n) { return n == 1 ? 4.1 : 3.4; };
  const Host busy = [](std::uint32_t n) { return n == 1 ? 4.6 : 10.0; };
  ThreadGovernor governor(2);
  EXPECT_GT(Simulate(governor, quiet, 5000, 2, random).share, 0.9);
  Simulate(governor, busy, 200, 1, random);  // time to notice
  EXPECT_GT(Simulate(governor, busy, 5000, 1, random).share, 0.85);
  Simulate(governor, quiet, 2500, 2, random);
  EXPECT_GT(Simulate(governor, quiet, 5000, 2, random).share, 0.9);
}

// Most steps with two threads are fast there, but some wait for a core through a whole time slice.
TEST(ThreadGovernor, IsNotTakenInByStepsThatAreFastOnlyMostOfTheTime) {
  std::mt19937 random(8);
  const Host busy = [&](std::uint32_t n) { return n == 1 ? 0.5 : (random() % 8 == 0 ? 4.0 : 0.3); };
  ThreadGovernor governor(2);
  Simulate(governor, busy, 500, 1, random);
  EXPECT_LT(Simulate(governor, busy, 10000, 1, random).mean_ms, 0.55);
}

TEST(ThreadGovernor, LostTrialsCostLittleWhereStepsAreLong) {
  std::mt19937 random(9);
  const Host batch = [](std::uint32_t n) { return n == 1 ? 100.0 : 50.0; };
  ThreadGovernor governor(2);
  EXPECT_LT(Simulate(governor, batch, 20000, 2, random).mean_ms, 50 * 1.04);
}

TEST(ThreadGovernor, FindsTheBestCountOfManyCores) {
  std::mt19937 random(6);
  const Host memory_bound = [](std::uint32_t n) { return n <= 4 ? 40.0 / n : 10.0 + n * 0.5; };
  ThreadGovernor governor(16);
  Simulate(governor, memory_bound, 3000, 4, random);
  EXPECT_GT(Simulate(governor, memory_bound, 10000, 4, random).share, 0.85);
}

TEST(ThreadGovernor, TriesMoreAfterAPause) {
  ThreadGovernor governor(12);
  governor.Resume();  // nothing is more than all
  for (int i = 0; i < 3000; ++i) governor.Report(1, governor.threads());
  ASSERT_EQ(governor.threads(), 1U);
  governor.Resume();
  EXPECT_EQ(governor.threads(), 1U);
  governor.Report(1, 1.0);
  EXPECT_EQ(governor.threads(), 2U);
  governor.Report(1, 50.0);
  EXPECT_EQ(governor.threads(), 1U);  // still busy: one step lost
}

TEST(ThreadGovernor, DoesNotCompareStepsOfDifferentSize) {
  ThreadGovernor governor(2);
  // Steps that alternate in size: ten times the tokens, ten times the time. No count may look better for that.
  for (int i = 0; i < 10000; ++i) {
    const bool large = i / 50 % 2 == 1;
    governor.Report(large ? 10 : 1, (large ? 10.0 : 1.0) * (governor.threads() == 2 ? 1.0 : 2.0));
    if (i > 100) {
      ASSERT_TRUE(governor.threads() == 2 || governor.threads() == 1);
    }
  }
  EXPECT_EQ(governor.threads(), 2U);
}

}  // namespace
}  // namespace medinfer
