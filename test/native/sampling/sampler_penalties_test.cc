#include <gtest/gtest.h>

#include <algorithm>

#include "sampling/penalties.h"
#include "support/sampling_oracle.h"

namespace medinfer::testing {
namespace {

// Word by word after b3534, over the window's tokens.
Candidates PenaltyOracle(const InspectRequest& request, const std::vector<int>& history) {
  const SamplingParams& s = request.sampling;
  const auto n = s.repeat_last_n < 0 ? history.size() : static_cast<std::size_t>(s.repeat_last_n);
  const std::vector<int> window(history.end() - static_cast<std::ptrdiff_t>(std::min(n, history.size())),
                                history.end());
  Candidates all = Sorted(request.logits);
  for (Candidate& c : all) {
    const auto count = std::count(window.begin(), window.end(), c.id);
    if (count == 0 || (!s.penalize_nl && c.id == request.newline_token)) continue;
    c.logit = c.logit <= 0 ? c.logit * s.repeat_penalty : c.logit / s.repeat_penalty;
    c.logit -= static_cast<double>(count) * s.frequency_penalty + s.presence_penalty;
  }
  return Softmax(all);
}

Oracle Set(InspectRequest& request, std::mt19937& random) {
  const int last = static_cast<int>(request.logits.size()) - 1;
  for (int i = Pick(random, 0, 100); i > 0; --i) request.history.push_back(Pick(random, 0, std::min(last, 40)));
  SamplingParams& s = request.sampling;
  s.repeat_last_n = Pick(random, 0, 3) == 0 ? -1 : Pick(random, 1, 80);
  s.repeat_penalty = static_cast<float>(Uniform(random, 0.5, 2));
  s.frequency_penalty = static_cast<float>(Uniform(random, -1, 1));
  s.presence_penalty = static_cast<float>(Uniform(random, -1, 1));
  s.penalize_nl = Pick(random, 0, 1) == 0;
  request.newline_token = Pick(random, -1, last);
  std::vector<int> history = request.history;
  if (Pick(random, 0, 3) == 0) {
    s.penalty_prompt_tokens.emplace();
    for (int i = Pick(random, 0, 100); i > 0; --i) s.penalty_prompt_tokens->push_back(Pick(random, 0, last));
    history = *s.penalty_prompt_tokens;
  }
  return [request, history](double) { return PenaltyOracle(request, history); };
}

TEST(Penalties, AreThoseOfTheWindowFirstInTheChain) { CompareWithOracle({}, "PENALTIES", Set); }

TEST(Penalties, AreTheSameBehindAnotherStage) {
  CompareWithOracle({SamplerKind::kTemperature, SamplerKind::kPenalties}, "PENALTIES", Set);
}

TEST(Penalties, KeepTheirWindowThroughClonesAndResets) {
  Penalties::Params params;
  params.repeat = 2;
  params.last_n = 2;
  Penalties penalties(params);
  for (const std::int32_t token : {0, 1, 2}) penalties.Accept(token);
  const auto clone = penalties.Clone();
  penalties.Reset();
  std::vector<float> logits = {4, 4, 4, 4};
  penalties.Apply(logits);
  EXPECT_EQ(logits, (std::vector<float>{4, 4, 4, 4}));
  static_cast<Penalties&>(*clone).Apply(logits);
  EXPECT_EQ(logits, (std::vector<float>{4, 2, 2, 4}));
}

}  // namespace
}  // namespace medinfer::testing
