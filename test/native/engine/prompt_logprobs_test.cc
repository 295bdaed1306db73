// Logprobs of a prompt's own tokens, against a program that reads it token by token with llama.cpp alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "prompt/prompt_cursor.h"
#include "support/engine_harness.h"
#include "support/engine_parts.h"
#include "support/plain_loop.h"

namespace medinfer::testing {
namespace {

constexpr double kTolerance = 1e-4;  // F32 sums in another order

Request PromptRequest(unsigned seed, std::size_t words, std::uint32_t n_probs = 0) {
  static const char* const kWords[] = {"the",   " of",  " dose", "patient", " has",
                                       " mild", "pain", " and",  "a",       " daily"};
  std::mt19937 random(seed);
  std::string prompt;
  while (words-- > 0) prompt += kWords[random() % 10];
  Request request = GreedyRequest(prompt, 4);
  request.prompt_probs = n_probs;
  return request;
}

class PromptLogprobsTest : public ::testing::Test {
 protected:
  void Check(const Seen& seen, const Request& request) {
    ASSERT_TRUE(seen.done());
    const TextChunk tokens = std::get<TextChunk>(parts_.Prompt(request).chunks.at(0));
    ASSERT_EQ(seen.prompt_logprobs.size(), tokens.size());
    PreparedPrompt first;
    first.n_tokens = 1;
    first.chunks.emplace_back(TextChunk{tokens.front()});
    const std::vector<double> expected = plain_.Logprobs(first, {tokens.begin() + 1, tokens.end()});
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const PromptLogprob& entry = seen.prompt_logprobs[i];
      EXPECT_EQ(entry.token, tokens[i]);
      EXPECT_EQ(entry.logprob.has_value(), i > 0);
      EXPECT_EQ(entry.top.size(), i > 0 ? *request.prompt_probs : 0);
      if (i == 0) continue;
      EXPECT_NEAR(*entry.logprob, expected[i - 1], kTolerance);
      for (std::size_t k = 1; k < entry.top.size(); ++k) EXPECT_LE(entry.top[k].logprob, entry.top[k - 1].logprob);
      for (const TokenLogprob& each : entry.top) {
        if (each.token == tokens[i]) {
          EXPECT_EQ(each.logprob, *entry.logprob);
        }
      }
      if (!entry.top.empty()) {
        EXPECT_GE(entry.top.front().logprob, *entry.logprob);
      }
    }
    compared_ += tokens.size();
  }

  const EngineParts parts_;
  const PlainLoop plain_{RandomModel()};
  std::size_t compared_ = 0;
};

TEST_F(PromptLogprobsTest, AreThoseOfEachTokenBehindThoseBeforeIt) {
  for (const std::uint32_t batch_size : {1U, 4U, 16U}) {
    for (const std::uint32_t n_ubatch : {7U, 512U}) {
      const Loaded loaded = LoadEngine(RandomModel(), [&](LoadOptions& o) {
        o.batch_size = batch_size;
        o.n_ubatch = n_ubatch;
        o.n_ctx = 4096;
      });
      std::vector<Request> requests;
      std::vector<RequestId> ids;
      for (unsigned i = 0; i < 8; ++i) {
        requests.push_back(PromptRequest(i % 6, 1 + i * 20, i % 4));
        ids.push_back(loaded.engine->Submit(requests.back()).value());
        loaded.engine->Submit(GreedyRequest("the dose", 20)).value();
      }
      for (std::size_t i = 0; i < ids.size(); ++i) Check(loaded.recorder->Wait(ids[i]), requests[i]);
    }
  }
  EXPECT_GT(compared_, 2000U);
}

TEST_F(PromptLogprobsTest, AreAllThereWhereThePrefixCacheHasThePrompt) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) { o.n_ctx = 1024; });
  const Request request = PromptRequest(3, 150);
  Request plain = request;
  plain.prompt_probs.reset();
  const Seen without = loaded.recorder->Wait(loaded.engine->Submit(plain).value());
  EXPECT_TRUE(without.prompt_logprobs.empty());
  for (int i = 0; i < 2; ++i) {
    const Seen seen = loaded.recorder->Wait(loaded.engine->Submit(request).value());
    Check(seen, request);
    EXPECT_EQ(seen.text, without.text);
    EXPECT_EQ(std::get<Done>(*seen.end).usage.cached_tokens, 0U);
  }
  // What it computed is as good for others.
  const Seen again = loaded.recorder->Wait(loaded.engine->Submit(plain).value());
  EXPECT_GT(std::get<Done>(*again.end).usage.cached_tokens, 64U);
  EXPECT_EQ(again.text, without.text);
}

TEST_F(PromptLogprobsTest, ComeOnceWhereSequencesGiveWayWhileTheyRead) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) {
    o.batch_size = 8;
    o.n_ctx = 192;
    o.n_ubatch = 4;  // a step reads little of a prompt beside what is drawn
    o.kv_page_size = 16;
  });
  std::vector<RequestId> beside;
  for (int i = 0; i < 3; ++i) beside.push_back(loaded.engine->Submit(GreedyRequest("the dose", 70)).value());
  std::vector<Request> requests;
  std::vector<RequestId> ids;
  for (unsigned i = 0; i < 12; ++i) {
    requests.push_back(PromptRequest(i, 20));
    requests.back().n_predict = 40;
    ids.push_back(loaded.engine->Submit(requests.back()).value());
  }
  for (std::size_t i = 0; i < ids.size(); ++i) Check(loaded.recorder->Wait(ids[i]), requests[i]);
  EXPECT_GT(loaded.engine->stats().preemptions, 0U);
}

TEST_F(PromptLogprobsTest, OfSeveralCompletionsTheFirstSaysThem) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) { o.batch_size = 2; });
  Request request = PromptRequest(1, 30, 2);
  request.n = 3;
  const RequestId first = loaded.engine->Submit(request).value();
  Check(loaded.recorder->Wait(first), request);
  for (RequestId i = 1; i < 3; ++i) EXPECT_TRUE(loaded.recorder->Wait(first + i).prompt_logprobs.empty());
}

TEST_F(PromptLogprobsTest, AreAtMostAHundredForEachToken) {
  const Loaded loaded = LoadEngine(RandomModel());
  EXPECT_EQ(loaded.engine->Submit(PromptRequest(1, 5, 101)).status().code(), Code::kInvalidArgument);
  const Request most = PromptRequest(1, 5, 100);
  Check(loaded.recorder->Wait(loaded.engine->Submit(most).value()), most);
}

}  // namespace
}  // namespace medinfer::testing
