// Several completions of one prompt, and what the preparing thread makes of requests, with no Node around them.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/engine_harness.h"

namespace medinfer::testing {
namespace {

Request Sampled(const std::string& prompt, std::uint32_t seed, std::uint32_t n = 1) {
  Request request = GreedyRequest(prompt, 20);
  request.sampling.temperature = 1;
  request.sampling.seed = seed;
  request.n = n;
  return request;
}

TEST(Choices, EachIsWhatItsSeedDrawsAlone) {
  for (const std::uint32_t batch_size : {1U, 3U, 8U}) {
    const Loaded alone = LoadEngine(RandomModel());
    const Loaded loaded = LoadEngine(RandomModel(), [&](LoadOptions& o) { o.batch_size = batch_size; });
    const RequestId first = loaded.engine->Submit(Sampled("the patient has mild pain and", 7, 5)).value();
    for (std::uint32_t i = 0; i < 5; ++i) {
      const Seen seen = loaded.recorder->Wait(first + i);
      ASSERT_TRUE(seen.done());
      const RequestId id = alone.engine->Submit(Sampled("the patient has mild pain and", 7 + i)).value();
      EXPECT_EQ(seen.text, alone.recorder->Wait(id).text) << batch_size << " places, completion " << i;
    }
  }
}

TEST(Choices, EachFollowsTheGrammarByItself) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) { o.batch_size = 4; });
  Request request = Sampled("the dose is", 3, 4);
  request.grammar = "root ::= \"yes\" | \"no\" | \"maybe\"";
  const RequestId first = loaded.engine->Submit(std::move(request)).value();
  for (std::uint32_t i = 0; i < 4; ++i) {
    const std::string text = loaded.recorder->Wait(first + i).text;
    EXPECT_TRUE(text == "yes" || text == "no" || text == "maybe") << text;
  }
}

TEST(Choices, OneIsCancelledByItselfAndTheFirstWithAllBeforeThePromptIsRead) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) {
    o.batch_size = 4;
    o.n_ctx = 1024;
  });
  const RequestId first = loaded.engine->Submit(Sampled("the", 1, 4)).value();
  loaded.recorder->WaitForText(first);
  loaded.engine->Cancel(first + 2);
  for (std::uint32_t i = 0; i < 4; ++i) {
    const Seen seen = loaded.recorder->Wait(first + i);
    EXPECT_EQ(seen.ends, 1);
    EXPECT_TRUE(i == 2 || seen.done());
  }
  // A blocked batch: the next one waits.
  std::vector<RequestId> running;
  for (int i = 0; i < 4; ++i) running.push_back(loaded.engine->Submit(GreedyRequest("the dose", -1)).value());
  for (const RequestId id : running) loaded.recorder->WaitForText(id);
  const RequestId waiting = loaded.engine->Submit(Sampled("the patient", 1, 3)).value();
  loaded.engine->Cancel(waiting);
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(loaded.recorder->Wait(waiting + i).code(), Code::kAborted);
  for (const RequestId id : running) loaded.engine->Cancel(id);
}

TEST(Preparing, RequestsStartInTheOrderOfTheirIds) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) {
    o.batch_size = 1;
    o.n_ctx = 4096;
  });
  std::string large;
  while (large.size() < 8000) large += "the patient has mild pain and ";
  const RequestId first = loaded.engine->Submit(GreedyRequest(large, 1)).value();
  const RequestId second = loaded.engine->Submit(GreedyRequest("the", 1)).value();
  const Seen seen = loaded.recorder->Wait(second);
  EXPECT_EQ(loaded.recorder->Look(first).ends, 1) << "a short request overtook a long one that came before";
  EXPECT_TRUE(seen.done());
}

TEST(Preparing, WhatCannotBePreparedFailsAndOthersGoOn) {
  const Loaded loaded = LoadEngine(RandomModel());
  Request bad = GreedyRequest("the", 5);
  bad.grammar = "root ::= root";
  bad.n = 3;
  const RequestId id = loaded.engine->Submit(std::move(bad)).value();
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(loaded.recorder->Wait(id + i).code(), Code::kInvalidArgument);
  EXPECT_TRUE(loaded.recorder->Wait(loaded.engine->Submit(GreedyRequest("the", 5)).value()).done());
  EXPECT_EQ(loaded.engine->stats().queued, 0U);
}

TEST(Preparing, EveryRequestEndsOnceWhereTheEngineClosesMeanwhile) {
  std::string large;
  while (large.size() < 200000) large += "the patient has mild pain and ";
  for (int round = 0; round < 4; ++round) {
    const Loaded loaded = LoadEngine(RandomModel());
    std::vector<RequestId> ids;
    for (int i = 0; i < 20; ++i) {
      ids.push_back(loaded.engine->Submit(GreedyRequest(large, 5)).value());
      if (i % 3 == 0) loaded.engine->Cancel(ids.back());
      if (i % 5 == 0) loaded.engine->Finish(ids.back());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(round * 5));
    loaded.engine->Close();
    for (const RequestId id : ids) EXPECT_EQ(loaded.recorder->Look(id).ends, 1);
  }
}

}  // namespace
}  // namespace medinfer::testing
