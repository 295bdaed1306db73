#include "base/pacer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/task_thread.h"

namespace medinfer {
namespace {

using std::chrono::microseconds;

// Time passes with the work and the rests of the one thread that looks at it.
class PacerTest : public ::testing::Test {
 protected:
  // Work of so many points, each of which takes `each`.
  void Work(int points, microseconds each) {
    const Pacer::Scope scope(&pacer_);
    for (int i = 0; i < points; ++i) {
      now_ += each;
      piece_ += each;
      YieldPoint();
    }
  }

  Pacer::Time now_{std::chrono::hours(1)};
  Pacer::Duration piece_{};
  std::vector<Pacer::Duration> pieces_;  // what was worked before each rest
  Pacer pacer_{[this] { return now_; },
               [this](Pacer::Duration rest) {
                 EXPECT_EQ(rest, Pacer::kRest);
                 now_ += rest;
                 pieces_.push_back(piece_);
                 piece_ = {};
               }};
};

TEST_F(PacerTest, RestsOnlyWhileOthersPress) {
  Work(10'000, microseconds(1));
  EXPECT_TRUE(pieces_.empty());
  pacer_.SetPressing(true);
  Work(10'000, microseconds(1));
  const auto rests = pieces_.size();
  EXPECT_GT(rests, 0U);
  pacer_.SetPressing(false);
  Work(10'000, microseconds(1));
  EXPECT_EQ(pieces_.size(), rests);
}

TEST_F(PacerTest, PiecesAreShortHoweverLongThePointsTake) {
  pacer_.SetPressing(true);
  for (const int nanoseconds : {20, 100, 900, 3000, 20'000}) {
    const auto each = std::chrono::duration_cast<Pacer::Duration>(std::chrono::nanoseconds(nanoseconds));
    const Pacer::Scope scope(&pacer_);
    pieces_.clear();
    for (int i = 0; i < 100'000; ++i) {
      now_ += each;
      piece_ += each;
      YieldPoint();
    }
    const auto longest = Pacer::kPiece + 16 * each;
    ASSERT_GT(pieces_.size(), 1U) << nanoseconds;
    // The first ones come after work that was not looked at.
    EXPECT_LE(*std::max_element(pieces_.begin() + 1, pieces_.end()), longest) << nanoseconds;
    EXPECT_GE(*std::min_element(pieces_.begin() + 1, pieces_.end()), Pacer::kPiece) << nanoseconds;
  }
}

TEST_F(PacerTest, OnlyTheThreadOfTheScopeRests) {
  pacer_.SetPressing(true);
  for (int i = 0; i < 1000; ++i) YieldPoint();
  {
    const Pacer::Scope scope(&pacer_);
    std::thread([] {
      for (int i = 0; i < 1000; ++i) YieldPoint();
    }).join();
  }
  const Pacer::Scope none(nullptr);
  for (int i = 0; i < 1000; ++i) YieldPoint();
  EXPECT_TRUE(pieces_.empty());
}

TEST(PacerTaskThreadTest, PacesItsTasks) {
  int rests = 0;  // written by the thread until it has stopped
  Pacer::Time now{};
  Pacer pacer([&] { return now += std::chrono::milliseconds(1); }, [&](Pacer::Duration) { ++rests; });
  TaskThread thread(&pacer);
  std::atomic<bool> done = false;
  pacer.SetPressing(true);
  thread.Push([&] {
    for (int i = 0; i < 160; ++i) YieldPoint();
    done = true;
  });
  while (!done) std::this_thread::yield();
  thread.Stop();
  EXPECT_EQ(rests, 10);
}

}  // namespace
}  // namespace medinfer
