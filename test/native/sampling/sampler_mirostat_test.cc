// Mirostat over several draws: what it leaves, and how it learns from what it drew.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sampling/sampler_chain.h"
#include "support/sampling_oracle.h"

namespace medinfer::testing {
namespace {

constexpr int kDraws = 6;

SamplerTokens Tokens(std::size_t n_vocab) {
  SamplerTokens tokens;
  tokens.n_vocab = static_cast<std::int32_t>(n_vocab);
  tokens.context = 100;
  return tokens;
}

Candidates CandidatesOf(const TokenLogprobs& logprobs) {
  Candidates candidates;
  for (const TokenLogprob& each : logprobs.top_after) candidates.push_back({each.token, 0, std::exp(each.logprob)});
  return candidates;
}

Candidates First(Candidates all, std::size_t n) {
  all.resize(std::clamp<std::size_t>(n, 1, all.size()));
  return Softmax(all);
}

// How many candidates version 1 keeps.
double FirstVersionK(const Candidates& all, double mu) {
  double bits = 0;
  double squares = 0;
  for (std::size_t i = 0; i + 1 < std::min<std::size_t>(100, all.size()); ++i) {
    const double t = std::log(static_cast<double>(i + 2) / static_cast<double>(i + 1));
    // In float a probability can underflow to 0: the estimate is infinite then, and one candidate stays.
    bits += t * std::log(static_cast<float>(all[i].p) / static_cast<float>(all[i + 1].p));
    squares += t * t;
  }
  const double s = bits / squares;
  const double epsilon = s - 1;
  return std::pow(epsilon * std::pow(2, mu) / (1 - std::pow(static_cast<double>(all.size()), -epsilon)), 1 / s);
}

void Compare(MiroStat version) {
  std::mt19937 random(77);
  int compared = 0;
  int edges = 0;
  for (int round = 0; round < 1000; ++round) {
    SamplingParams params;
    params.miro_stat = version;
    params.temperature = 1;
    params.miro_stat_tau = static_cast<float>(Uniform(random, 0.5, 5));
    params.miro_stat_eta = static_cast<float>(Uniform(random, 0.05, 0.5));
    params.seed = static_cast<std::uint32_t>(round);
    const std::vector<float> logits = RandomLogits(random);
    SamplerChain chain(params, Tokens(logits.size()));
    const Candidates all = Softmax(Sorted(logits));
    double mu = 2 * params.miro_stat_tau;
    for (int draw = 0; draw < kDraws; ++draw) {
      std::vector<float> copy = logits;
      TokenLogprobs logprobs;
      ASSERT_GE(chain.Draw(copy, &logprobs, logits.size()), 0);
      const auto outcome = [&](double edge) {
        if (version == MiroStat::kV1) return First(all, static_cast<std::size_t>(FirstVersionK(all, mu) * (1 + edge)));
        std::size_t n = 0;
        while (n < all.size() && -std::log2(all[n].p) <= mu * (1 + edge)) ++n;
        return First(all, n);
      };
      // Flat and underflowing distributions have no such k; llama.cpp then converts what no integer holds.
      const double k = FirstVersionK(all, mu);
      if (version == MiroStat::kV1 && !(k > 0 && k < 1e9)) break;
      const Candidates kept = CandidatesOf(logprobs);
      if (!SameOutcome(kept, outcome(0))) {
        ++edges;
        ASSERT_TRUE(SameOutcome(kept, outcome(1e-3)) || SameOutcome(kept, outcome(-1e-3)))
            << round << " " << draw << ": " << kept.size() << " of " << all.size() << ", k " << k;
      }
      ++compared;
      mu -= params.miro_stat_eta * (-logprobs.after / std::log(2.0) - params.miro_stat_tau);
    }
  }
  EXPECT_GT(compared, version == MiroStat::kV1 ? 2500 : 5900);
  EXPECT_LT(edges, compared / 20);
}

TEST(MirostatV1, KeepsAsManyAsItsEstimateAndLearns) { Compare(MiroStat::kV1); }

TEST(MirostatV2, KeepsWhatSurprisesNoMoreThanItLearned) { Compare(MiroStat::kV2); }

TEST(Mirostat, ComesAfterTheTemperatureAndInPlaceOfTheFilters) {
  InspectRequest request = Bare({3, 2, 1, 0}, {SamplerKind::kTopK, SamplerKind::kTemperature});
  request.sampling.top_k = 1;
  request.sampling.temperature = 0.5F;
  request.sampling.miro_stat = MiroStat::kV2;
  request.sampling.miro_stat_tau = 10;
  const auto inspection = InspectSampling(request);
  ASSERT_TRUE(inspection.ok());
  ASSERT_EQ(inspection.value().stages.size(), 2U);
  EXPECT_EQ(inspection.value().stages[0].sampler, "TEMPERATURE");
  EXPECT_EQ(inspection.value().stages[1].sampler, "MIROSTAT_V2");
  EXPECT_TRUE(SameOutcome(After(inspection.value(), "MIROSTAT_V2"), Softmax(Sorted({6, 4, 2, 0}))));
}

}  // namespace
}  // namespace medinfer::testing
