// Kept states, forks of them, and sessions on disk, with no Node around them: what a conversation answers is what the
// whole prompt answers by itself.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "support/engine_harness.h"

namespace medinfer::testing {
namespace {

Request Turn(const std::string& prompt, StateId base = 0) {
  Request request = GreedyRequest(prompt, 12);
  request.base = base;
  request.keep = true;
  return request;
}

Seen Complete(const Loaded& loaded, Request request) {
  const auto id = loaded.engine->Submit(std::move(request));
  EXPECT_TRUE(id.ok()) << (id.ok() ? "" : id.status().message());
  return id.ok() ? loaded.recorder->Wait(id.value()) : Seen();
}

const Done& DoneOf(const Seen& seen) { return std::get<Done>(*seen.end); }

struct StatesTest : ::testing::Test {
  StatesTest() { path = std::filesystem::temp_directory_path() / ("medinfer-states-" + std::to_string(::getpid())); }
  ~StatesTest() override {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }

  std::string path;
};

TEST_F(StatesTest, AConversationAnswersAsItsWholePromptDoes) {
  const Loaded alone = LoadEngine(RandomModel(), [](LoadOptions& o) { o.kv_prefix_cache = false; });
  const Loaded kept = LoadEngine(RandomModel(), [](LoadOptions& o) { o.kv_prefix_cache = false; });
  std::string said = "the patient has mild pain";
  StateId state = 0;
  for (int turn = 0; turn < 4; ++turn) {
    const Seen expected = Complete(alone, GreedyRequest(said, 12));
    const Seen seen = Complete(kept, Turn(said, state));
    ASSERT_TRUE(seen.done());
    EXPECT_EQ(seen.text, expected.text);
    EXPECT_TRUE(turn == 0 || DoneOf(seen).usage.cached_tokens > 10U);
    if (state != 0) kept.engine->DropState(state);
    state = DoneOf(seen).state;
    EXPECT_NE(state, 0U);
    said += seen.text + " and the dose";
  }
}

TEST_F(StatesTest, ForksGoTheirOwnWays) {
  const Loaded loaded = LoadEngine(RandomModel());
  const std::string said = "the patient has mild pain and a daily dose";
  const Seen first = Complete(loaded, Turn(said));
  const StateId state = DoneOf(first).state;
  std::vector<StateId> forks;
  for (int i = 0; i < 3; ++i) forks.push_back(loaded.engine->ForkState(state).value());
  loaded.engine->DropState(state);
  for (int i = 0; i < 3; ++i) {
    const std::string prompt = said + first.text + std::string(static_cast<std::size_t>(i) + 1, 'x');
    const Seen seen = Complete(loaded, Turn(prompt, forks[static_cast<std::size_t>(i)]));
    const Loaded alone = LoadEngine(RandomModel());
    EXPECT_EQ(seen.text, Complete(alone, GreedyRequest(prompt, 12)).text);
    EXPECT_GT(DoneOf(seen).usage.cached_tokens, 0U);
  }
}

TEST_F(StatesTest, ASavedStateGoesOnInAnotherEngine) {
  const std::string said = "the patient has mild pain and a daily dose";
  std::string answer;
  std::uint32_t saved_tokens = 0;
  {
    const Loaded loaded = LoadEngine(RandomModel());
    const Seen first = Complete(loaded, Turn(said));
    answer = first.text;
    const Seen saved = loaded.recorder->Wait(loaded.engine->SaveState(DoneOf(first).state, path, "a note").value());
    ASSERT_TRUE(std::holds_alternative<Saved>(*saved.end));
    saved_tokens = std::get<Saved>(*saved.end).tokens;
    EXPECT_GT(saved_tokens, 10U);
  }
  const Loaded other = LoadEngine(RandomModel());
  const Seen restored = other.recorder->Wait(other.engine->RestoreState(path).value());
  ASSERT_TRUE(std::holds_alternative<Restored>(*restored.end));
  EXPECT_EQ(std::get<Restored>(*restored.end).note, "a note");
  EXPECT_EQ(std::get<Restored>(*restored.end).tokens, saved_tokens);
  const std::string prompt = said + answer + " and";
  const Seen seen = Complete(other, Turn(prompt, std::get<Restored>(*restored.end).state));
  EXPECT_GE(DoneOf(seen).usage.cached_tokens, saved_tokens - 2);
  const Loaded alone = LoadEngine(RandomModel());
  EXPECT_EQ(seen.text, Complete(alone, GreedyRequest(prompt, 12)).text);
}

TEST_F(StatesTest, AFileThatIsCutOrMissingIsRefused) {
  const Loaded loaded = LoadEngine(RandomModel());
  EXPECT_EQ(loaded.recorder->Wait(loaded.engine->RestoreState(path).value()).code(), Code::kBadSession);
  const Seen first = Complete(loaded, Turn("the patient has mild pain"));
  loaded.recorder->Wait(loaded.engine->SaveState(DoneOf(first).state, path, "").value());
  for (std::uintmax_t size = std::filesystem::file_size(path); size > 0; size /= 2) {
    std::filesystem::resize_file(path, size - 1);
    EXPECT_EQ(loaded.recorder->Wait(loaded.engine->RestoreState(path).value()).code(), Code::kBadSession);
  }
  EXPECT_EQ(loaded.recorder->Wait(loaded.engine->SaveState(DoneOf(first).state, "/nowhere/else", "").value()).code(),
            Code::kBadSession);
}

TEST_F(StatesTest, SmallPoolsGiveUpStatesAndStillAnswer) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) {
    o.n_ctx = 96;
    o.kv_page_size = 16;
    o.batch_size = 4;
  });
  const std::string said = "the patient has mild pain";
  const Seen first = Complete(loaded, Turn(said));
  std::vector<RequestId> ids;
  for (int i = 0; i < 6; ++i) {
    ids.push_back(loaded.engine->Submit(GreedyRequest("the dose of a " + std::to_string(i), 40)).value());
  }
  for (const RequestId id : ids) EXPECT_TRUE(loaded.recorder->Wait(id).done());
  const Seen again = Complete(loaded, Turn(said + first.text + " and", DoneOf(first).state));
  const Loaded alone = LoadEngine(RandomModel());
  EXPECT_EQ(again.text, Complete(alone, GreedyRequest(said + first.text + " and", 12)).text);
}

TEST_F(StatesTest, EverySaveAndRestoreEndsOnceAlsoWhereTheEngineIsClosed) {
  const Loaded loaded = LoadEngine(RandomModel());
  const StateId state = DoneOf(Complete(loaded, Turn("the patient has mild pain"))).state;
  loaded.recorder->Wait(loaded.engine->SaveState(state, path, "").value());
  std::vector<RequestId> ids;
  for (int i = 0; i < 30; ++i) {
    ids.push_back(i % 2 == 0 ? loaded.engine->SaveState(state, path, "").value()
                             : loaded.engine->RestoreState(path).value());
    if (i % 7 == 0) loaded.engine->Cancel(ids.back());
  }
  loaded.engine->Close();
  for (const RequestId id : ids) EXPECT_EQ(loaded.recorder->Look(id).ends, 1) << id;
  EXPECT_EQ(loaded.engine->SaveState(state, path, "").status().code(), Code::kClosed);
  EXPECT_EQ(loaded.engine->ForkState(state).status().code(), Code::kClosed);
}

// For TSan: states are kept, forked, dropped, saved and restored by some threads at once.
TEST_F(StatesTest, ManyThreadsUseStatesAtOnce) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) {
    o.batch_size = 4;
    o.n_ctx = 1024;
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string file = path + std::to_string(t);
      std::string said = "the dose " + std::to_string(t);
      StateId state = 0;
      for (int turn = 0; turn < 3; ++turn) {
        const Seen seen = Complete(loaded, Turn(said, state));
        ASSERT_TRUE(seen.done());
        said += seen.text + " of";
        const StateId fork = loaded.engine->ForkState(DoneOf(seen).state).value();
        loaded.engine->DropState(DoneOf(seen).state);
        loaded.recorder->Wait(loaded.engine->SaveState(fork, file, "").value());
        const Seen restored = loaded.recorder->Wait(loaded.engine->RestoreState(file).value());
        ASSERT_FALSE(restored.failed());
        state = std::get<Restored>(*restored.end).state;
        loaded.engine->stats();
      }
      std::filesystem::remove(file);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace medinfer::testing
