// The scheduler over a store that knows what every cell was computed on, with no llama.cpp in the program.
#include "scheduling/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/fake_engine.h"

namespace medinfer::testing {
namespace {

using Options = KvPool::Options;

PreparedPrompt Text(const std::vector<std::int32_t>& tokens) {
  PreparedPrompt prompt;
  prompt.chunks.emplace_back(tokens);
  prompt.n_tokens = static_cast<std::uint32_t>(tokens.size());
  return prompt;
}

// `n` tokens that count up from `first`.
PreparedPrompt Counting(std::int32_t first, std::uint32_t n) {
  std::vector<std::int32_t> tokens(n);
  std::iota(tokens.begin(), tokens.end(), first);
  return Text(tokens);
}

std::vector<RequestId> RunningIds(const FakeEngine& engine) {
  std::vector<RequestId> ids;
  for (const ScheduledSequence* each : engine.scheduler.running()) ids.push_back(each->id);
  return ids;
}

void ExpectAnswers(const FakeEngine& engine) {
  for (const auto& [id, request] : engine.ended) EXPECT_EQ(request->answer, Answer(*request)) << "request " << id;
}

TEST(Scheduler, AdmitsByPriorityThenArrivalAndLetsNothingOvertake) {
  FakeEngine engine(Options{.cells = 64, .page_size = 16, .max_sequences = 4}, 64, 0);
  const RequestId large = engine.Submit(Counting(0, 60), 2);
  const RequestId small = engine.Submit(Counting(100, 8), 2);
  engine.Step();
  // It would fit into what is left, and has to wait all the same.
  EXPECT_EQ(RunningIds(engine), std::vector{large});
  const RequestId urgent = engine.Submit(Counting(200, 8), 2, /*priority=*/1);
  engine.Cancel(large);
  engine.Step();
  EXPECT_EQ(RunningIds(engine), (std::vector{urgent, small}));
  engine.RunToEnd();
  ExpectAnswers(engine);
}

TEST(Scheduler, PreemptsTheLastAndGoesOnWhereItWas) {
  for (const std::uint64_t swap_cells : {0, 1000}) {
    FakeEngine engine(Options{.cells = 96, .page_size = 16, .max_sequences = 4, .prefix_cache = false}, 64, swap_cells);
    for (int i = 0; i < 3; ++i) engine.Submit(Counting(100 * i, 10), 40);
    engine.RunToEnd();
    EXPECT_GT(engine.scheduler.preemptions(), 0U);
    EXPECT_EQ(engine.cache.stats().tokens_swapped > 0, swap_cells > 0);
    EXPECT_EQ(engine.ended.size(), 3U);
    ExpectAnswers(engine);
  }
}

TEST(Scheduler, APausedSequenceGivesWayAndReturns) {
  FakeEngine engine(Options{.cells = 64, .page_size = 16, .max_sequences = 1}, 64, 0);
  const RequestId idle = engine.Submit(Counting(0, 10), 20);
  for (int i = 0; i < 5; ++i) engine.Step();
  engine.Find(idle)->schedule.paused = true;
  const RequestId next = engine.Submit(Counting(100, 10), 3);
  for (int i = 0; i < 5; ++i) engine.Step();
  EXPECT_TRUE(engine.ended.contains(next));
  EXPECT_EQ(engine.Find(idle)->schedule.state, SequenceState::kQueued);
  engine.Find(idle)->schedule.paused = false;
  engine.RunToEnd();
  ExpectAnswers(engine);
}

TEST(Scheduler, WaitsForAPrefixThatIsBeingComputedAndFindsIt) {
  FakeEngine engine(Options{.cells = 512, .page_size = 16, .max_sequences = 4}, 16, 0);
  engine.Submit(Counting(0, 100), 4);
  engine.Step();
  const RequestId second = engine.Submit(Counting(0, 101), 4);
  const RequestId tenant = engine.Submit(Counting(0, 101), 4, 0, 1, "tenant");
  engine.Step();
  EXPECT_EQ(engine.Find(second)->schedule.awaited, 1U);
  EXPECT_EQ(engine.Find(tenant)->schedule.state, SequenceState::kRunning);
  while (engine.Find(second)->schedule.state == SequenceState::kQueued) engine.Step();
  EXPECT_EQ(engine.Find(second)->schedule.cached_cells, 96U);
  // Of another salt there is nothing to find.
  const RequestId foreign = engine.Submit(Counting(0, 101), 4, 0, 1, "other");
  engine.Submit(Counting(0, 101), 4, 0, 1, "other");
  engine.Step();
  EXPECT_EQ(engine.Find(foreign)->schedule.awaited, 0U);
  EXPECT_EQ(engine.Find(foreign)->schedule.cached_cells, 0U);
  engine.RunToEnd();
  ExpectAnswers(engine);
}

TEST(Scheduler, WhatIsRefusedOfADraftLeavesNothingBehind) {
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    const std::uint32_t cells = seed % 3 == 0 ? 96 : 512;
    const std::uint64_t swap_cells = seed % 2 == 0 ? 0 : 1000;
    FakeEngine engine(Options{.cells = cells, .page_size = 16, .max_sequences = 4, .prefix_cache = seed % 5 > 0},
                      seed % 4 == 0 ? 12 : 64, swap_cells);
    engine.drafts.emplace(seed);
    for (int i = 0; i < 4; ++i) engine.Submit(Counting(100 * (i / 2), 10), 40, i % 2, 1 + seed % 3);
    engine.RunToEnd();
    EXPECT_EQ(engine.ended.size(), 4 * (1 + seed % 3));
    ExpectAnswers(engine);
    EXPECT_GT(engine.accepted, 0U);
    EXPECT_EQ(engine.pool.cells_held(), 0U);
  }
}

TEST(Scheduler, ADraftTakesNoPageThatAnotherMayNeed) {
  // Two sequences of a page each, and two pages more: each may begin one of its own.
  FakeEngine engine(Options{.cells = 64, .page_size = 16, .max_sequences = 2, .prefix_cache = false}, 64, 0);
  engine.drafts.emplace(1);
  for (int i = 0; i < 2; ++i) engine.Submit(Counting(100 * i, 14), 17);
  engine.RunToEnd();
  EXPECT_EQ(engine.scheduler.preemptions(), 0U);
  ExpectAnswers(engine);
}

TEST(Scheduler, DoesNotWaitForAPausedOrEndedSequence) {
  FakeEngine engine(Options{.cells = 512, .page_size = 16, .max_sequences = 4}, 16, 0);
  const RequestId first = engine.Submit(Counting(0, 100), 4);
  engine.Step();
  const RequestId second = engine.Submit(Counting(0, 101), 4);
  engine.Step();
  engine.Find(first)->schedule.paused = true;
  engine.Step();
  EXPECT_EQ(engine.Find(second)->schedule.state, SequenceState::kRunning);
  const RequestId third = engine.Submit(Counting(0, 102), 4);
  engine.Step();
  EXPECT_EQ(engine.Find(third)->schedule.awaited, second);
  engine.Cancel(second);
  engine.Step();
  EXPECT_EQ(engine.Find(third)->schedule.state, SequenceState::kRunning);
  engine.Find(first)->schedule.paused = false;
  engine.RunToEnd();
  ExpectAnswers(engine);
}

TEST(Scheduler, SiblingsForkWhatTheFirstHasReadOrWaitTheirTurn) {
  for (const std::uint32_t places : {8, 3, 1}) {
    FakeEngine engine(Options{.cells = 512, .page_size = 16, .max_sequences = places}, 32, 0);
    engine.Submit(Counting(0, 50), 10, 0, /*n=*/5);
    while (engine.Find(1) != nullptr && engine.Find(1)->answer.empty()) engine.Step();
    EXPECT_EQ(engine.scheduler.running().size(), std::min(places, 5U));
    engine.RunToEnd();
    EXPECT_EQ(engine.ended.size(), 5U);
    ExpectAnswers(engine);
  }
}

TEST(Scheduler, SiblingsEndWithAFirstThatHasNotReadThePrompt) {
  FakeEngine engine(Options{.cells = 512, .page_size = 16, .max_sequences = 8}, 8, 0);
  engine.Submit(Counting(0, 50), 10, 0, /*n=*/3);
  engine.Step();
  engine.Cancel(3);
  EXPECT_EQ(engine.live.size(), 2U);
  engine.Cancel(1);
  EXPECT_TRUE(engine.live.empty());
  EXPECT_FALSE(engine.scheduler.HasRunnable());
  EXPECT_EQ(engine.pool.cells_held(), 0U);
}

TEST(Scheduler, GoesOnFromAKeptStateThatNeedNotBeWholePages) {
  FakeEngine engine(Options{.cells = 512, .page_size = 16, .max_sequences = 4}, 64, 0);
  const RequestId first = engine.Submit(Counting(0, 20), 5, 0, 1, "", 0, /*keep=*/true);
  engine.RunToEnd();
  ASSERT_TRUE(engine.states.contains(first));
  std::vector<std::int32_t> tokens = std::get<TextChunk>(engine.ended.at(first)->prompt.chunks[0]);
  const auto& answer = engine.ended.at(first)->answer;
  tokens.insert(tokens.end(), answer.begin(), answer.end());
  tokens.push_back(5);
  const RequestId second = engine.Submit(Text(tokens), 5, 0, 1, "", first);
  engine.Step();
  // All but the last drawn token, which was never read.
  EXPECT_EQ(engine.Find(second)->schedule.cached_cells, 24U);
  engine.RunToEnd();
  ExpectAnswers(engine);
}

TEST(Scheduler, GivesUpKeptStatesBeforeARequestHasToWait) {
  FakeEngine engine(Options{.cells = 64, .page_size = 16, .max_sequences = 2}, 64, 0);
  engine.Submit(Counting(0, 40), 2, 0, 1, "", 0, /*keep=*/true);
  engine.RunToEnd();
  const RequestId next = engine.Submit(Counting(100, 50), 2);
  engine.Step();
  EXPECT_EQ(engine.Find(next)->schedule.state, SequenceState::kRunning);
  engine.RunToEnd();
  ExpectAnswers(engine);
}

// Random arrivals, priorities, salts, pictures, siblings, states, pauses, cancellations and passes without room: every
// request that is left alone answers as if it were computed alone, and nothing is held in the end.
class SchedulerProperty : public ::testing::TestWithParam<int> {};

TEST_P(SchedulerProperty, AnswersAsIfEachRequestWereAlone) {
  std::mt19937 random(static_cast<std::uint32_t>(GetParam()));
  const auto pick = [&](std::uint32_t low, std::uint32_t high) {
    return std::uniform_int_distribution<std::uint32_t>(low, high)(random);
  };
  std::uint64_t unread = 0;
  std::uint64_t encoded = 0;
  for (int round = 0; round < 25; ++round) {
    const bool paged = pick(0, 4) > 0;
    const std::uint32_t page = 1U << pick(2, 5);
    const std::uint32_t cells = 200 + pick(0, 400);
    FakeEngine engine(
        Options{.cells = cells, .page_size = page, .max_sequences = pick(1, 8), .prefix_cache = pick(0, 3) > 0},
        pick(1, 64), pick(0, 1) * pick(0, 500), paged, pick(0, 1) * pick(0, 1000));
    if (pick(0, 1) == 1) engine.drafts.emplace(random());
    if (paged && pick(0, 1) == 1) engine.leave_out.emplace(random());
    std::vector<RequestId> kept;
    const auto prompt = [&] {
      PreparedPrompt made;
      const auto add_text = [&](std::int32_t first, std::uint32_t n) {
        auto text = std::get<TextChunk>(Counting(first, n).chunks[0]);
        made.chunks.emplace_back(std::move(text));
        made.n_tokens += n;
      };
      // Few beginnings, so that many are shared.
      add_text(static_cast<std::int32_t>(pick(0, 1)), pick(0, 1) == 0 ? 10 * pick(1, 3) : pick(1, 60));
      if (pick(0, 2) == 0) {
        const std::uint32_t n = pick(1, 24);
        const bool whole = pick(0, 1) == 1;
        // Its positions may be fewer than its tokens.
        made.chunks.emplace_back(
            FakeMedia(pick(1, 2), n, static_cast<std::int32_t>(pick(1, n)), pick(0, 2) > 0, whole));
        made.n_tokens += n;
        add_text(static_cast<std::int32_t>(pick(0, 3)), pick(1, 20));
      }
      return made;
    };
    for (int step = 0; step < 400; ++step) {
      if (pick(0, 7) == 0 && engine.live.size() < 24) {
        const std::string salt = pick(0, 3) == 0 ? "other" : "";
        const bool keep = pick(0, 3) == 0;
        const std::uint32_t n = keep || pick(0, 4) > 0 ? 1 : pick(2, 5);
        StateId base = 0;
        PreparedPrompt said = prompt();
        if (!kept.empty() && pick(0, 1) == 0) {
          base = kept[pick(0, static_cast<std::uint32_t>(kept.size()) - 1)];
          const FakeRequest& before = *engine.ended.at(base);
          if (!before.answer.empty() && before.prompt.n_tokens + before.answer.size() < 120 && pick(0, 3) > 0) {
            said = before.prompt;
            TextChunk more(before.answer.begin(), before.answer.end() - (pick(0, 1) == 0 ? 0 : 1));
            more.push_back(static_cast<std::int32_t>(pick(0, 6)));
            auto& last = std::get<TextChunk>(said.chunks.back());
            last.insert(last.end(), more.begin(), more.end());
            said.n_tokens += static_cast<std::uint32_t>(more.size());
          }
        }
        engine.Submit(std::move(said), pick(1, 40), static_cast<std::int32_t>(pick(0, 2)), n, salt, base, keep);
      }
      if (!engine.live.empty()) {
        auto any = std::next(engine.live.begin(), pick(0, static_cast<std::uint32_t>(engine.live.size()) - 1));
        if (pick(0, 9) == 0) any->second->schedule.paused = !any->second->schedule.paused;
        if (pick(0, 39) == 0) {
          engine.Cancel(any->first);
        } else if (pick(0, 39) == 0) {
          engine.Finish(any->first);
        }
      }
      if (pick(0, 49) == 0 && !engine.states.empty()) {
        const StateId dropped = *engine.states.begin();
        engine.cache.DropState(dropped);
        engine.states.erase(dropped);
      }
      engine.Step(/*room=*/pick(0, 19) > 0);
      kept.assign(engine.states.begin(), engine.states.end());
      if (::testing::Test::HasFailure()) return;
    }
    for (auto& [id, request] : engine.live) request->schedule.paused = false;
    engine.RunToEnd();
    ExpectAnswers(engine);
    unread += engine.unread;
    encoded += engine.encoded;
    for (const StateId id : engine.states) engine.cache.DropState(id);
    const KvStats kv = engine.cache.stats();
    EXPECT_EQ(engine.pool.cells_held(), 0U);
    EXPECT_EQ(kv.pages_used, 0U);
    EXPECT_EQ(kv.pages_free + kv.pages_cached, kv.pages);
    EXPECT_EQ(kv.swap_bytes, 0U);
    if (::testing::Test::HasFailure()) return;
  }
  // Both did happen.
  EXPECT_GT(unread, 0U);
  EXPECT_GT(encoded, 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SchedulerProperty, ::testing::Range(1, 41));

}  // namespace
}  // namespace medinfer::testing
