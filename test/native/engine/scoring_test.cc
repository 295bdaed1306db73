// Candidates behind a prompt, against a program that reads each by itself with llama.cpp alone.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "support/engine_harness.h"
#include "support/engine_parts.h"
#include "support/plain_loop.h"
#include "text/candidate_tokens.h"

namespace medinfer::testing {
namespace {

constexpr double kTolerance = 1e-4;  // F32 sums in another order

Request ScoreRequest(const std::string& prompt, std::vector<Candidate> candidates) {
  Request request = GreedyRequest(prompt, -1);
  request.n = static_cast<std::uint32_t>(candidates.size());
  request.candidates = std::move(candidates);
  return request;
}

// A prompt and some candidates, of one token and of several, some a beginning of another.
Request RandomScore(unsigned seed) {
  static const char* const kWords[] = {"the",   " of",  " dose", "patient", " has",
                                       " mild", "pain", " and",  "a",       " daily"};
  std::mt19937 random(seed);
  const auto text = [&](std::size_t words) {
    std::string made;
    while (words-- > 0) made += kWords[random() % 10];
    return made;
  };
  const std::string prompt = text(1 + random() % 40);
  std::vector<Candidate> candidates;
  for (std::size_t n = 1 + random() % 8; n > 0; --n) {
    if (random() % 4 == 0) {
      candidates.push_back(
          {"", {static_cast<std::int32_t>(random() % 100 + 10), static_cast<std::int32_t>(random() % 90)}});
    } else {
      candidates.push_back({text(1 + random() % 4)});
    }
  }
  candidates.push_back({candidates.front().text + " and more", candidates.front().tokens});
  return ScoreRequest(prompt, std::move(candidates));
}

class Scores {
 public:
  Scores() : plain_(RandomModel()) {}

  // Asks for all of them at once, and compares what comes back.
  void Check(const Loaded& loaded, unsigned rounds) {
    std::vector<Request> requests;
    std::vector<RequestId> ids;
    for (unsigned i = 0; i < rounds; ++i) {
      requests.push_back(RandomScore(i));
      ids.push_back(loaded.engine->Submit(requests.back()).value());
    }
    for (unsigned i = 0; i < rounds; ++i) Compare(loaded, requests[i], ids[i]);
  }

  void Compare(const Loaded& loaded, const Request& request, RequestId first) {
    const CandidateTokens expected =
        TokenizeCandidates(parts_.model().tokenizer(), request.prompt, request.add_special, request.candidates).value();
    PreparedPrompt prompt;
    prompt.n_tokens = static_cast<std::uint32_t>(expected.prompt.back().tokens.size());
    prompt.chunks.emplace_back(expected.prompt.back().tokens);
    for (std::size_t i = 0; i < request.candidates.size(); ++i) {
      const Seen seen = loaded.recorder->Wait(first + i);
      ASSERT_TRUE(seen.end && std::holds_alternative<Scored>(*seen.end));
      const Scored& scored = std::get<Scored>(*seen.end);
      EXPECT_EQ(seen.ends, 1);
      EXPECT_EQ(seen.text, "");
      EXPECT_EQ(scored.tokens, expected.tails[i]);
      EXPECT_EQ(scored.usage.prompt_tokens, prompt.n_tokens);
      EXPECT_EQ(scored.usage.completion_tokens, 0U);
      const std::vector<double> logprobs = plain_.Logprobs(prompt, expected.tails[i]);
      ASSERT_EQ(scored.logprobs.size(), logprobs.size());
      for (std::size_t k = 0; k < logprobs.size(); ++k) EXPECT_NEAR(scored.logprobs[k], logprobs[k], kTolerance);
      ++compared_;
    }
  }

  std::size_t compared() const { return compared_; }

 private:
  const EngineParts parts_;
  const PlainLoop plain_;
  std::size_t compared_ = 0;
};

TEST(Scoring, GivesWhatAPlainLoopOfLlamaCppFinds) {
  Scores scores;
  for (const std::uint32_t batch_size : {1U, 3U, 16U}) {
    for (const bool cache : {false, true}) {
      const Loaded loaded = LoadEngine(RandomModel(), [&](LoadOptions& o) {
        o.batch_size = batch_size;
        o.n_ctx = 2048;
        o.kv_prefix_cache = cache;
      });
      scores.Check(loaded, 20);
      EXPECT_EQ(loaded.engine->stats().kv_cells_used, 0U);
      EXPECT_EQ(loaded.engine->stats().running + loaded.engine->stats().queued, 0U);
    }
  }
  EXPECT_GT(scores.compared(), 500U);
}

TEST(Scoring, IsTheSameWhereThePoolIsTooSmallForAll) {
  Scores scores;
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) {
    o.batch_size = 8;
    o.n_ctx = 192;
  });
  std::vector<RequestId> beside;
  for (int i = 0; i < 4; ++i) beside.push_back(loaded.engine->Submit(GreedyRequest("the dose", 80)).value());
  scores.Check(loaded, 30);
  for (const RequestId id : beside) EXPECT_TRUE(loaded.recorder->Wait(id).done());
  EXPECT_GT(loaded.engine->stats().preemptions, 0U);
}

TEST(Scoring, ReadsThePromptOnceAndATokenForNothing) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) { o.kv_prefix_cache = false; });
  std::vector<Candidate> candidates;
  for (std::int32_t token = 10; token < 90; ++token) candidates.push_back({"", {token}});
  const std::size_t n = candidates.size();
  const RequestId first =
      loaded.engine->Submit(ScoreRequest("the patient has mild pain", std::move(candidates))).value();
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i)
    sum += std::exp(std::get<Scored>(*loaded.recorder->Wait(first + i).end).logprobs[0]);
  EXPECT_GT(sum, 0);
  EXPECT_LT(sum, 1);
  const Scored any = std::get<Scored>(*loaded.recorder->Look(first).end);
  EXPECT_EQ(loaded.engine->stats().prompt_tokens, any.usage.prompt_tokens);
  EXPECT_EQ(loaded.engine->stats().steps, 1U);
  EXPECT_EQ(loaded.engine->stats().generated_tokens, 0U);
}

TEST(Scoring, TakesOnePlaceInTheQueueAndEndsOnceWhereItIsCancelled) {
  const Loaded loaded = LoadEngine(RandomModel(), [](LoadOptions& o) {
    o.batch_size = 1;
    o.max_queue = 2;
  });
  const RequestId running = loaded.engine->Submit(GreedyRequest("the", 400)).value();
  std::vector<Candidate> candidates(20);
  for (std::size_t i = 0; i < candidates.size(); ++i) candidates[i].text = std::string(i + 1, 'a');
  const RequestId first = loaded.engine->Submit(ScoreRequest("the", candidates)).value();
  const RequestId second = loaded.engine->Submit(ScoreRequest("the", candidates)).value();
  EXPECT_EQ(loaded.engine->Submit(ScoreRequest("the", candidates)).status().code(), Code::kQueueFull);
  loaded.engine->Cancel(first);
  loaded.engine->Finish(second);  // as a cancellation: there is no half of a score
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    for (const RequestId id : {first + i, second + i}) {
      const Seen seen = loaded.recorder->Wait(id);
      ASSERT_TRUE(seen.failed());
      EXPECT_EQ(seen.code(), Code::kAborted);
    }
  }
  EXPECT_TRUE(loaded.engine->Submit(ScoreRequest("the", candidates)).ok());
  loaded.engine->Cancel(running);
}

TEST(Scoring, RefusesWhatCannotBeScored) {
  const Loaded loaded = LoadEngine(RandomModel());
  const auto code = [&](Request request) {
    const auto id = loaded.engine->Submit(std::move(request));
    if (!id.ok()) return id.status().code();
    const Seen seen = loaded.recorder->Wait(id.value());
    return seen.failed() ? seen.code() : Code::kOk;
  };
  EXPECT_EQ(code(ScoreRequest("the", {{"yes"}, {""}})), Code::kInvalidArgument);
  EXPECT_EQ(code(ScoreRequest("the", {{"", {-1}}})), Code::kInvalidArgument);
  EXPECT_EQ(code(ScoreRequest("the", {{"", {1 << 30}}})), Code::kInvalidArgument);
  EXPECT_EQ(code(ScoreRequest("the", std::vector<Candidate>(257, {"a"}))), Code::kInvalidArgument);
  Request kept = ScoreRequest("the", {{"a"}});
  kept.keep = true;
  EXPECT_EQ(code(std::move(kept)), Code::kInvalidArgument);
  Request other = ScoreRequest("the", {{"a"}});
  other.n = 2;
  EXPECT_EQ(code(std::move(other)), Code::kInvalidArgument);
  EXPECT_EQ(code(ScoreRequest("the", {{"", std::vector<std::int32_t>(600, 5)}})), Code::kContextFull);
  EXPECT_EQ(code(ScoreRequest("the", {{"yes"}})), Code::kOk);
}

}  // namespace
}  // namespace medinfer::testing
