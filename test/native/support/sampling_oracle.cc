#include "support/sampling_oracle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace medinfer::testing {
namespace {

constexpr int kRounds = 1000;

}  // namespace

double Uniform(std::mt19937& random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}

int Pick(std::mt19937& random, int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); }

std::vector<float> RandomLogits(std::mt19937& random) {
  const int kind = Pick(random, 0, 5);
  std::vector<float> logits(kind == 4 ? 2 : static_cast<std::size_t>(Pick(random, 3, 300)));
  std::normal_distribution<float> normal(0, kind == 1 ? 12.0F : kind == 5 ? 60.0F : 3.0F);
  const float level = normal(random);
  for (float& logit : logits) {
    logit = normal(random);
    if (kind == 2) logit = level;                            // flat
    if (kind == 3) logit = std::round(logit * 0.5F) * 2.0F;  // ties
  }
  return logits;
}

InspectRequest Bare(std::vector<float> logits, std::vector<SamplerKind> samplers) {
  InspectRequest request;
  request.logits = std::move(logits);
  SamplingParams& s = request.sampling;
  s.temperature = 1;
  s.top_k = 0;
  s.top_p = 1;
  s.min_p = 0;
  s.dry_sequence_breakers.clear();
  s.samplers = std::move(samplers);
  s.seed = 1;
  return request;
}

Candidates Sorted(const std::vector<float>& logits) {
  Candidates all;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isfinite(logits[i])) all.push_back({static_cast<int>(i), logits[i], 0});
  }
  std::stable_sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) { return a.logit > b.logit; });
  return all;
}

Candidates Softmax(Candidates candidates) {
  double top = -HUGE_VAL;
  for (const Candidate& c : candidates) top = std::max(top, c.logit);
  double sum = 0;
  for (Candidate& c : candidates) sum += c.p = std::exp(c.logit - top);
  for (Candidate& c : candidates) c.p /= sum;
  return candidates;
}

Candidates After(const Inspection& inspection, const std::string& stage) {
  for (const InspectedStage& each : inspection.stages) {
    if (each.sampler != stage) continue;
    Candidates candidates;
    for (std::size_t i = 0; i < each.tokens.size(); ++i) {
      candidates.push_back({each.tokens[i], 0, each.probabilities[i]});
    }
    return candidates;
  }
  ADD_FAILURE() << "there is no stage " << stage;
  return {};
}

bool SameOutcome(const Candidates& actual, const Candidates& expected) {
  if (actual.size() != expected.size()) return false;
  const auto sorted = [](const Candidates& candidates) {
    std::vector<double> p;
    for (const Candidate& c : candidates) p.push_back(c.p);
    std::sort(p.rbegin(), p.rend());
    return p;
  };
  const std::vector<double> a = sorted(actual);
  const std::vector<double> b = sorted(expected);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(std::abs(a[i] - b[i]) <= kTolerance)) return false;
  }
  // The same candidates, but for those that are as likely as each other.
  for (const Candidate& c : actual) {
    const bool known = std::any_of(expected.begin(), expected.end(), [&](const Candidate& e) { return e.id == c.id; });
    const bool tied = std::any_of(expected.begin(), expected.end(), [&](const Candidate& e) {
      return std::abs(e.p - c.p) <= kTolerance &&
             std::none_of(actual.begin(), actual.end(), [&](const Candidate& o) { return o.id == e.id; });
    });
    if (!known && !tied) return false;
  }
  return true;
}

void CompareWithOracle(const std::vector<SamplerKind>& samplers, const std::string& stage,
                       const std::function<Oracle(InspectRequest&, std::mt19937&)>& run) {
  std::mt19937 random(2026);
  int edges = 0;
  for (int round = 0; round < kRounds; ++round) {
    InspectRequest request = Bare(RandomLogits(random), samplers);
    request.sampling.min_keep = round % 2 == 0 ? 0 : Pick(random, 1, static_cast<int>(request.logits.size()));
    const Oracle oracle = run(request, random);
    const auto inspection = InspectSampling(request);
    ASSERT_TRUE(inspection.ok()) << inspection.status().message();
    const Candidates actual = After(inspection.value(), stage);
    if (SameOutcome(actual, oracle(0))) continue;
    ++edges;
    ASSERT_TRUE(SameOutcome(actual, oracle(kEdge)) || SameOutcome(actual, oracle(-kEdge)))
        << stage << ", round " << round << ": " << actual.size() << " candidates, not " << oracle(0).size() << " of "
        << request.logits.size();
  }
  EXPECT_LT(edges, kRounds / 20) << stage;
}

}  // namespace medinfer::testing
