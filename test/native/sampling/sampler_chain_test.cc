#include "sampling/sampler_chain.h"

#include <gtest/gtest.h>
#include <llama.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <random>

#include "medinfer/inspect.h"
#include "sampling/arg_max.h"
#include "support/vocabulary_test.h"

namespace medinfer::testing {
namespace {

class SamplerChainTest : public VocabularyTest {
 protected:
  static std::vector<float> RandomLogits(unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, 3);
    std::vector<float> logits(n_vocab_);
    for (float& logit : logits) logit = normal(random);
    return logits;
  }
};

SamplingParams Greedy() {
  SamplingParams params;
  params.temperature = 0;
  return params;
}

TEST_F(SamplerChainTest, GreedyTakesTheFirstOfTheLargest) {
  SamplerChain chain(Greedy(), ResolveTokens(vocab_, Greedy(), false, 100));
  std::vector<float> logits = RandomLogits(1);
  logits[20] = logits[10] = 100;
  EXPECT_EQ(chain.Draw(logits), 10);
}

TEST_F(SamplerChainTest, NeverEndsWhereTheEndIsIgnored) {
  SamplerChain chain(Greedy(), ResolveTokens(vocab_, Greedy(), true, 100));
  std::vector<float> logits(n_vocab_, 0);
  logits[static_cast<std::size_t>(llama_vocab_eos(vocab_))] = 100;
  EXPECT_FALSE(llama_vocab_is_eog(vocab_, chain.Draw(logits)));
}

TEST_F(SamplerChainTest, DrawsNoForbiddenTokenAndSaysWhatTheModelGave) {
  SamplingParams params = Greedy();
  params.repeat_penalty = 1;
  SamplerChain chain(params, ResolveTokens(vocab_, params, false, 100));
  EXPECT_TRUE(chain.takes_likeliest());
  chain.Forbid({20, 30});
  EXPECT_FALSE(chain.takes_likeliest());
  const auto draw = [&] {
    std::vector<float> logits(n_vocab_, -100);
    logits[20] = 3;
    logits[30] = 2;
    logits[10] = 1;
    TokenLogprobs logprobs;
    const std::int32_t token = chain.Draw(logits, &logprobs, 1);
    EXPECT_EQ(logprobs.top_before.at(0).token, 20);
    return token;
  };
  EXPECT_EQ(draw(), 10);
  chain.Forbid({});
  EXPECT_TRUE(chain.takes_likeliest());
  EXPECT_EQ(draw(), 20);
}

// Section "repeatPenalty" of the request surface: positive logits are divided, others multiplied, once for each
// distinct token of the window, the newline left out.
TEST_F(SamplerChainTest, PenalizesEachTokenOfTheWindowOnce) {
  const std::int32_t newline = llama_vocab_nl(vocab_);
  ASSERT_GE(newline, 0);
  for (const bool penalize_nl : {false, true}) {
    SamplingParams params = Greedy();
    params.repeat_penalty = 1.5F;
    params.repeat_last_n = 5;
    params.penalize_nl = penalize_nl;
    SamplerChain chain(params, ResolveTokens(vocab_, params, false, 100));
    for (const std::int32_t token : {300, 301, 302, 302, newline, 303, 303})
      chain.AcceptPrompt(token);  // 300, 301 are out
    std::vector<float> logits(n_vocab_, -50);
    logits[300] = 6;
    logits[302] = 3;
    logits[303] = -3;
    logits[static_cast<std::size_t>(newline)] = 3;
    EXPECT_EQ(chain.Draw(logits), 300);
    EXPECT_FLOAT_EQ(logits[300], 6);
    EXPECT_FLOAT_EQ(logits[302], 2);
    EXPECT_FLOAT_EQ(logits[303], -4.5F);
    EXPECT_FLOAT_EQ(logits[static_cast<std::size_t>(newline)], penalize_nl ? 2.0F : 3.0F);
    // The drawn token is in the window now.
    std::vector<float> next(n_vocab_, -50);
    next[300] = 6;
    chain.Draw(next);
    EXPECT_FLOAT_EQ(next[300], 4);
  }
}

TEST_F(SamplerChainTest, MinusOnePenalizesTheWholeContextAndZeroNothing) {
  for (const std::int32_t last_n : {-1, 0}) {
    SamplingParams params = Greedy();
    params.repeat_penalty = 2;
    params.repeat_last_n = last_n;
    SamplerChain chain(params, ResolveTokens(vocab_, params, false, 3));
    for (const std::int32_t token : {300, 301, 302, 303}) chain.AcceptPrompt(token);
    std::vector<float> logits(n_vocab_, 0);
    logits[300] = logits[301] = 8;
    chain.Draw(logits);
    EXPECT_FLOAT_EQ(logits[300], 8);  // the context holds three tokens
    EXPECT_FLOAT_EQ(logits[301], last_n == 0 ? 8.0F : 4.0F);
  }
}

// The set that can be drawn, and how often, against the filters written out.
TEST_F(SamplerChainTest, DrawsWhatTheFiltersLeaveInTheRightShares) {
  SamplingParams params;
  params.temperature = 0.7F;
  params.top_k = 20;
  params.top_p = 0.9F;
  params.min_p = 0.05F;
  params.seed = 42;
  const std::vector<float> logits = RandomLogits(3);

  std::vector<std::pair<double, std::int32_t>> sorted;
  for (std::size_t i = 0; i < n_vocab_; ++i) sorted.emplace_back(logits[i], static_cast<std::int32_t>(i));
  std::sort(sorted.rbegin(), sorted.rend());
  sorted.resize(20);
  const auto softmax = [](std::vector<std::pair<double, std::int32_t>> list, double temperature) {
    double sum = 0;
    const double top = list[0].first;
    for (auto& entry : list) sum += entry.first = std::exp((entry.first - top) / temperature);
    for (auto& entry : list) entry.first /= sum;
    return list;
  };
  std::size_t keep = 0;
  double cumulative = 0;
  for (const auto& entry : softmax(sorted, 1)) {
    ++keep;
    cumulative += entry.first;
    if (cumulative >= 0.9) break;
  }
  sorted.resize(keep);
  std::erase_if(sorted, [top = sorted[0].first](const auto& entry) { return entry.first < top + std::log(0.05); });
  const auto expected = softmax(sorted, 0.7);
  ASSERT_GT(expected.size(), 2U);

  constexpr int kDraws = 20000;
  SamplerChain chain(params, ResolveTokens(vocab_, params, false, 100));
  std::map<std::int32_t, int> drawn;
  for (int i = 0; i < kDraws; ++i) {
    std::vector<float> copy = logits;
    ++drawn[chain.Draw(copy)];
  }
  EXPECT_EQ(drawn.size(), expected.size());
  for (const auto& [p, token] : expected) EXPECT_NEAR(drawn[token], p * kDraws, 5 * std::sqrt(p * kDraws) + 5);
}

TEST_F(SamplerChainTest, TheSameSeedDrawsTheSameTokens) {
  SamplingParams params;
  params.temperature = 1.5F;
  params.seed = 7;
  SamplerChain a(params, ResolveTokens(vocab_, params, false, 100));
  SamplerChain b(params, ResolveTokens(vocab_, params, false, 100));
  params.seed = 8;
  SamplerChain other(params, ResolveTokens(vocab_, params, false, 100));
  int different = 0;
  for (unsigned i = 0; i < 200; ++i) {
    std::vector<float> one = RandomLogits(i);
    std::vector<float> two = one;
    std::vector<float> three = one;
    const std::int32_t token = a.Draw(one);
    ASSERT_EQ(b.Draw(two), token);
    different += other.Draw(three) != token ? 1 : 0;
  }
  EXPECT_GT(different, 20);
}

// Whatever is drawn for others in between.
TEST_F(SamplerChainTest, SharesNoStateWithItsNeighbours) {
  std::vector<SamplingParams> kinds(6);
  kinds[1].miro_stat = MiroStat::kV1;
  kinds[2].miro_stat = MiroStat::kV2;
  kinds[3].adaptive_p_target = 0.3F;
  kinds[4].xtc_probability = 0.5F;
  kinds[5].dry_multiplier = 1;
  const auto tokens = [&](const SamplingParams& params) { return ResolveTokens(vocab_, params, false, 100); };
  const auto draw = [&](SamplerChain& chain, unsigned i) {
    std::vector<float> logits = RandomLogits(i);
    return chain.Draw(logits);
  };
  for (std::uint32_t seed = 0; seed < 17; ++seed) {
    std::vector<std::vector<std::int32_t>> alone(kinds.size());
    std::vector<std::unique_ptr<SamplerChain>> together;
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
      kinds[kind].seed = seed;
      SamplerChain chain(kinds[kind], tokens(kinds[kind]));
      for (unsigned i = 0; i < 20; ++i) alone[kind].push_back(draw(chain, i));
      together.push_back(std::make_unique<SamplerChain>(kinds[kind], tokens(kinds[kind])));
    }
    for (unsigned i = 0; i < 20; ++i) {
      for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
        if (together[kind] == nullptr) continue;
        ASSERT_EQ(draw(*together[kind], i), alone[kind][i]) << kind;
      }
      if (i == 10) together[seed % kinds.size()].reset();  // cancelled
    }
  }
}

TEST_F(SamplerChainTest, MinKeepZeroStillKeepsOne) {
  SamplingParams params;
  params.top_p = 0;
  params.min_p = 1;
  params.min_keep = 0;
  SamplerChain chain(params, ResolveTokens(vocab_, params, false, 100));
  std::vector<float> logits = RandomLogits(5);
  const auto best = static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  EXPECT_EQ(chain.Draw(logits), best);
}

// The order of b3534, and any other that is asked for.
TEST_F(SamplerChainTest, RunsItsStagesInOrder) {
  InspectRequest request;
  request.logits = RandomLogits(6);
  request.history = {1, 2, 3};
  SamplingParams& s = request.sampling;
  s.token_biases = {{4, 1.0F}};
  s.repeat_penalty = 1.1F;
  s.tfs_z = s.typical_p = 0.9F;
  s.top_n_sigma = 2;
  s.xtc_probability = 0.5F;
  s.dry_multiplier = 1;
  s.dry_sequence_breakers.clear();
  const auto stages = [&] {
    std::vector<std::string> names;
    const auto inspection = InspectSampling(request);
    EXPECT_TRUE(inspection.ok());
    for (const InspectedStage& stage : inspection.value().stages) names.push_back(stage.sampler);
    return names;
  };
  EXPECT_EQ(stages(), (std::vector<std::string>{"TOKEN_BIAS", "PENALTIES", "DRY", "TOP_N_SIGMA", "TOP_K", "TFS_Z",
                                                "TYPICAL_P", "TOP_P", "MIN_P", "XTC", "TEMPERATURE"}));
  s.samplers = {SamplerKind::kTemperature, SamplerKind::kMinP, SamplerKind::kPenalties, SamplerKind::kTopK};
  EXPECT_EQ(stages(), (std::vector<std::string>{"TOKEN_BIAS", "TEMPERATURE", "MIN_P", "PENALTIES", "TOP_K"}));
  s.samplers = {};
  EXPECT_EQ(stages(), (std::vector<std::string>{"TOKEN_BIAS", "PENALTIES"}));
}

TEST_F(SamplerChainTest, BiasesEachTokenOfATextOnceAndAddsUp) {
  SamplingParams params = Greedy();
  params.text_biases = {{"the the dose", 2.0F}};
  params.token_biases = {{300, 1.0F}, {300, 0.5F}, {301, -INFINITY}};
  std::vector<std::int32_t> tokens(16);
  const std::string text = "the the dose";
  tokens.resize(static_cast<std::size_t>(
      llama_tokenize(vocab_, text.data(), static_cast<std::int32_t>(text.size()), tokens.data(), 16, false, false)));
  SamplerChain chain(params, ResolveTokens(vocab_, params, false, 100));
  std::vector<float> logits(n_vocab_, 0);
  EXPECT_NE(chain.Draw(logits), 301);
  for (const std::int32_t token : tokens) EXPECT_FLOAT_EQ(logits[static_cast<std::size_t>(token)], 2);
  EXPECT_FLOAT_EQ(logits[300], 1.5F);
  EXPECT_EQ(logits[301], -INFINITY);
}

TEST_F(SamplerChainTest, APenaltyPromptStandsForThePrompt) {
  SamplingParams params = Greedy();
  params.repeat_penalty = 2;
  params.penalty_prompt_tokens = {{300}};
  SamplerChain chain(params, ResolveTokens(vocab_, params, false, 100));
  chain.AcceptPrompt(301);
  std::vector<float> logits(n_vocab_, 0);
  logits[300] = logits[301] = 8;
  EXPECT_EQ(chain.Draw(logits), 301);
  EXPECT_FLOAT_EQ(logits[300], 4);
  EXPECT_FLOAT_EQ(logits[301], 8);
  // What is drawn follows it.
  std::vector<float> next(n_vocab_, 0);
  next[301] = 8;
  chain.Draw(next);
  EXPECT_FLOAT_EQ(next[301], 4);
}

TEST_F(SamplerChainTest, DrawsNothingWhereNothingIsPossible) {
  for (const float temperature : {0.0F, 0.8F}) {
    for (const std::int32_t top_k : {0, 40}) {
      SamplingParams params;
      params.temperature = temperature;
      params.top_k = top_k;
      SamplerChain chain(params, ResolveTokens(vocab_, params, false, 100));
      std::vector<float> logits(n_vocab_, -INFINITY);
      EXPECT_EQ(chain.Draw(logits), -1);
      std::vector<float> broken(n_vocab_, NAN);
      EXPECT_EQ(chain.Draw(broken), -1);
      broken[7] = 1;
      EXPECT_EQ(chain.Draw(broken), 7);
    }
  }
}

TEST_F(SamplerChainTest, TellsOfTheDistributionBeforeAndAfter) {
  SamplingParams params;
  params.top_k = 3;
  params.top_p = 1;
  params.min_p = 0;
  params.temperature = 0.5F;
  params.token_biases = {{10, -INFINITY}};
  SamplerChain chain(params, ResolveTokens(vocab_, params, false, 100));
  std::vector<float> logits(n_vocab_, -100);
  logits[10] = 3;
  logits[11] = 2;
  logits[12] = 1;
  TokenLogprobs logprobs;
  const std::int32_t token = chain.Draw(logits, &logprobs, 2);
  EXPECT_EQ(logprobs.token, token);
  ASSERT_EQ(logprobs.top_before.size(), 2U);
  EXPECT_EQ(logprobs.top_before[0].token, 10);
  EXPECT_EQ(logprobs.top_before[1].token, 11);
  const double before = std::exp(3) + std::exp(2) + std::exp(1);
  EXPECT_NEAR(std::exp(logprobs.top_before[0].logprob), std::exp(3) / before, 1e-5);
  ASSERT_EQ(logprobs.top_after.size(), 2U);
  EXPECT_EQ(logprobs.top_after[0].token, 11);
  EXPECT_NEAR(std::exp(logprobs.top_after[0].logprob), std::exp(4) / (std::exp(4) + std::exp(2)), 1e-5);
}

// Refuses one token and counts how it is asked.
class Refuse final : public TokenConstraint {
 public:
  Refuse(std::int32_t token, std::vector<std::size_t>& asked) : token_(token), asked_(asked) {}
  void Apply(llama_token_data_array& candidates) override {
    asked_.push_back(candidates.size);
    for (std::size_t i = 0; i < candidates.size; ++i) {
      if (candidates.data[i].id == token_) candidates.data[i].logit = -INFINITY;
    }
  }
  void Accept(std::int32_t token) override { token_ = token; }
  std::unique_ptr<TokenConstraint> Clone() const override { return std::make_unique<Refuse>(*this); }
  bool ended() const override { return false; }
  bool Writes(std::int32_t) const override { return false; }

 private:
  std::int32_t token_;
  std::vector<std::size_t>& asked_;
};

TEST_F(SamplerChainTest, AsksAConstraintAboutTheWholeVocabularyOnlyWhereItMust) {
  for (const float temperature : {0.0F, 1.0F}) {
    SamplingParams params;
    params.temperature = temperature;
    std::vector<std::size_t> asked;
    Refuse refuse(20, asked);
    SamplerChain chain(params, ResolveTokens(vocab_, params, false, 100), &refuse);
    std::vector<float> logits(n_vocab_, -50);
    logits.at(21) = 50;
    std::vector<float> same = logits;
    EXPECT_EQ(chain.Draw(same), 21);
    EXPECT_EQ(asked, (std::vector<std::size_t>{1}));
    // Accepted: from now on it refuses 21.
    logits.at(22) = 40;
    EXPECT_EQ(chain.Draw(logits), 22);
    // What is drawn of all of them is asked about once more.
    EXPECT_EQ(asked, (std::vector<std::size_t>{1, 1, n_vocab_, 1}));
  }
}

TEST(ArgMax, IsTheFirstOfTheLargestWhereverItStands) {
  std::mt19937 random(9);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (int round = 0; round < 2000; ++round) {
    std::vector<float> values(static_cast<std::size_t>(pick(1, 5000)));
    for (float& value : values) value = static_cast<float>(pick(-40, 40)) / 4;  // many ties
    if (round % 3 == 0) values[static_cast<std::size_t>(pick(0, static_cast<int>(values.size()) - 1))] = NAN;
    std::size_t expected = 0;
    float largest = -std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] > largest) largest = values[expected = i];
    }
    ASSERT_EQ(ArgMax(values), expected) << values.size() << " values, round " << round;
  }
  EXPECT_EQ(ArgMax(std::vector<float>{-INFINITY, -INFINITY}), 0U);
  EXPECT_EQ(ArgMax(std::vector<float>{NAN, NAN}), 0U);
}

}  // namespace
}  // namespace medinfer::testing
