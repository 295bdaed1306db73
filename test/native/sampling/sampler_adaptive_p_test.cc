#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "sampling/sampler_chain.h"
#include "support/sampling_oracle.h"

namespace medinfer::testing {
namespace {

// After llama.h and the pull request that it names: a bell around a target that moves against the average so far.
TEST(AdaptiveP, DrawsNearATargetThatAimsAgainstThePast) {
  std::mt19937 random(5);
  for (int round = 0; round < 1000; ++round) {
    SamplingParams params;
    params.samplers = {SamplerKind::kAdaptiveP};
    const double target = params.adaptive_p_target = static_cast<float>(Uniform(random, 0, 1));
    const double decay = params.adaptive_p_decay = static_cast<float>(Uniform(random, 0, 0.99));
    const std::vector<float> logits = RandomLogits(random);
    SamplerTokens tokens;
    tokens.n_vocab = static_cast<std::int32_t>(logits.size());
    SamplerChain chain(params, tokens);
    const Candidates all = Softmax(Sorted(logits));
    double weighted = target / (1 - decay);
    double weight = 1 / (1 - decay);
    for (int draw = 0; draw < 5; ++draw) {
      std::vector<float> copy = logits;
      TokenLogprobs logprobs;
      const std::int32_t token = chain.Draw(copy, &logprobs, logits.size());
      const double aim = std::clamp(2 * target - weighted / weight, 0.0, 1.0);
      Candidates expected = all;
      for (Candidate& c : expected) {
        const double distance = std::abs(c.p - aim) / 0.3;
        c.logit = 5 - 10 * distance * distance / (1 + distance);
      }
      Candidates actual;
      for (const TokenLogprob& each : logprobs.top_after) actual.push_back({each.token, 0, std::exp(each.logprob)});
      ASSERT_TRUE(SameOutcome(actual, Softmax(expected))) << round << " " << draw;
      const auto drawn = std::find_if(all.begin(), all.end(), [&](const Candidate& c) { return c.id == token; });
      weighted = drawn->p + decay * weighted;
      weight = 1 + decay * weight;
    }
  }
}

}  // namespace
}  // namespace medinfer::testing
