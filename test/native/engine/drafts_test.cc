// What is drafted ahead of the model changes no text: requests with and without drafts, on an engine with no Node.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "medinfer/json_schema.h"
#include "support/engine_harness.h"

namespace medinfer::testing {
namespace {

// Measured, under sanitizers, drafts of four at once may not.
void LetDraftsPay(LoadOptions& options) { options.draft_token_cost = 0.1; }

// Requests of many kinds; random weights repeat themselves, so that there is something to look up.
std::vector<Request> ManyKinds(std::uint32_t draft_tokens) {
  const std::string schema =
      R"({"properties":{"diagnosis":{"type":"string","maxLength":20},"dose":{"type":"integer","maximum":900},)"
      R"("severity":{"enum":["mild","moderate","severe"]}},"required":["diagnosis","dose","severity"]})";
  const std::string grammar = JsonSchemaToGrammar(schema).value();
  std::vector<Request> requests;
  for (std::uint32_t i = 0; i < 24; ++i) {
    Request request =
        GreedyRequest("the patient has mild pain and the patient has mild pain " + std::to_string(i % 6), 40);
    request.draft_tokens = draft_tokens;
    request.sampling.temperature = i % 3 == 0 ? 0.0F : 0.4F;
    request.sampling.seed = i;
    if (i % 7 == 0) request.n_predict = static_cast<std::int32_t>(i % 5);
    if (i % 4 == 1) {
      request.grammar = grammar;
      request.n_predict = 90;
    }
    if (i % 8 == 1) request.close_at_limit = true;
    if (i % 4 == 2) request.stop_strings = {"e", "an"};
    if (i % 4 == 3) request.n = 3;
    if (i % 5 == 0) request.sampling.repeat_penalty = 1.3F;
    if (i % 6 == 0) request.expected_text = "the patient has mild pain";
    requests.push_back(std::move(request));
  }
  return requests;
}

struct Answers {
  std::vector<std::string> texts;
  std::vector<FinishReason> reasons;
  Stats stats;
};

Answers AnswersTo(std::vector<Request> requests, const std::function<void(LoadOptions&)>& change) {
  const Loaded loaded = LoadEngine(RandomModel(), change);
  Answers answers;
  std::vector<RequestId> ids;
  std::uint64_t drafted = 0;
  for (Request& request : requests) {
    const std::uint32_t n = request.n;
    const RequestId first = loaded.engine->Submit(std::move(request)).value();
    for (std::uint32_t i = 0; i < n; ++i) ids.push_back(first + i);
  }
  for (const RequestId id : ids) {
    const Seen seen = loaded.recorder->Wait(id);
    EXPECT_TRUE(seen.done()) << (seen.failed() ? std::get<Failed>(*seen.end).status.message() : "");
    EXPECT_EQ(seen.ends, 1);
    if (!seen.done()) continue;
    const Usage& usage = std::get<Done>(*seen.end).usage;
    EXPECT_LE(usage.accepted_tokens, usage.draft_tokens);
    EXPECT_LE(usage.accepted_tokens, usage.completion_tokens);
    drafted += usage.draft_tokens;
    answers.texts.push_back(seen.text);
    answers.reasons.push_back(seen.reason());
  }
  answers.stats = loaded.engine->stats();
  EXPECT_EQ(answers.stats.draft_tokens, drafted);
  return answers;
}

TEST(Drafts, ChangeNoText) {
  for (const std::uint32_t batch_size : {1U, 4U}) {
    const auto change = [&](LoadOptions& o) {
      o.batch_size = batch_size;
      LetDraftsPay(o);
    };
    const Answers without = AnswersTo(ManyKinds(0), change);
    const Answers with = AnswersTo(ManyKinds(16), change);
    EXPECT_EQ(with.texts, without.texts);
    EXPECT_EQ(with.reasons, without.reasons);
    EXPECT_EQ(without.stats.draft_tokens, 0U);
    EXPECT_GT(with.stats.accepted_tokens, 0U);
    if (batch_size == 1) {
      EXPECT_LT(with.stats.steps, without.stats.steps);
    }
    EXPECT_EQ(with.stats.generated_tokens, without.stats.generated_tokens);
    EXPECT_EQ(with.stats.kv_cells_used, 0U);
  }
}

TEST(Drafts, ChangeNoTextWhereSequencesGiveWay) {
  for (const std::int64_t swap : {0, 1 << 20}) {
    const auto change = [&](LoadOptions& o) {
      o.batch_size = 6;
      o.n_ctx = 192;
      o.kv_page_size = 16;
      o.kv_swap_bytes = swap;
      LetDraftsPay(o);
    };
    const Answers without = AnswersTo(ManyKinds(0), change);
    const Answers with = AnswersTo(ManyKinds(16), change);
    EXPECT_EQ(with.texts, without.texts);
    EXPECT_EQ(with.reasons, without.reasons);
    EXPECT_GT(with.stats.preemptions, 0U);
    EXPECT_GT(with.stats.accepted_tokens, 0U);
  }
}

TEST(Drafts, HoldInASessionThatGoesOnFromThem) {
  // The text of each turn: the second time it is expected, so that there is something to draft.
  std::vector<std::string> texts;
  for (const std::uint32_t drafts : {0U, 16U}) {
    const Loaded loaded = LoadEngine(RandomModel(), LetDraftsPay);
    std::string said = "the patient has mild pain and the patient has";
    StateId state = 0;
    for (std::size_t turn = 0; turn < 4; ++turn) {
      Request request = GreedyRequest(said, 24);
      if (drafts > 0) request.expected_text = texts[turn];
      request.draft_tokens = drafts;
      request.base = state;
      request.keep = true;
      const Seen seen = loaded.recorder->Wait(loaded.engine->Submit(std::move(request)).value());
      ASSERT_TRUE(seen.done());
      const Done& done = std::get<Done>(*seen.end);
      if (turn > 0) {
        EXPECT_GT(done.usage.cached_tokens, 0U);
      }
      state = done.state;
      said += seen.text + " and then";
      if (drafts == 0) {
        texts.push_back(seen.text);
      } else {
        EXPECT_EQ(seen.text, texts[turn]);
        EXPECT_GT(done.usage.accepted_tokens, 0U) << turn;
      }
    }
  }
}

// To tokenise more would keep others from being read.
TEST(Drafts, LookAtTheBeginningOfALongText) {
  const Loaded loaded = LoadEngine(RandomModel(), LetDraftsPay);
  const auto ask = [&](std::string expected) {
    Request request = GreedyRequest("the patient has", 24);
    request.draft_tokens = 16;
    request.expected_text = std::move(expected);
    const Seen seen = loaded.recorder->Wait(loaded.engine->Submit(std::move(request)).value());
    EXPECT_TRUE(seen.done());
    return std::pair(seen.text, std::uint64_t{std::get<Done>(*seen.end).usage.accepted_tokens});
  };
  const std::string text = ask("").first;
  // The limit lies within a character.
  const std::string filler(kMostExpected - 1, '.');
  for (const std::string& expected : {text, text + filler}) {
    const auto [again, accepted] = ask(expected);
    EXPECT_EQ(again, text);
    EXPECT_GT(accepted, 0U);
  }
  EXPECT_EQ(ask(filler + "\xC3\xA4" + text), std::pair(text, std::uint64_t{0}));
}

TEST(Drafts, ARequestMayHaveNoneAndNotMoreThanItsLimit) {
  const Loaded loaded = LoadEngine(RandomModel());
  Request request = GreedyRequest("the", 4);
  request.draft_tokens = kMostDraftTokens + 1;
  const auto refused = loaded.engine->Submit(std::move(request));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), Code::kInvalidArgument);
  EXPECT_NE(refused.status().message().find("maxDraftTokens"), std::string::npos);
}

}  // namespace
}  // namespace medinfer::testing
