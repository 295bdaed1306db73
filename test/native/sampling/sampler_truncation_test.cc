// The filters that cut candidates off: top-k, top-p, min-p, top-n-sigma, XTC.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/sampling_oracle.h"

namespace medinfer::testing {
namespace {

std::size_t AtLeast(const InspectRequest& request) {
  return static_cast<std::size_t>(std::max(1, request.sampling.min_keep));
}

Candidates First(Candidates candidates, std::size_t n) {
  candidates.resize(std::min(n, candidates.size()));
  return Softmax(std::move(candidates));
}

TEST(TopK, KeepsTheLikeliest) {
  CompareWithOracle({SamplerKind::kTopK}, "TOP_K", [](InspectRequest& request, std::mt19937& random) {
    request.sampling.top_k = Pick(random, 1, 60);
    const std::size_t k = std::max(AtLeast(request), static_cast<std::size_t>(request.sampling.top_k));
    return [k, all = Sorted(request.logits)](double) { return First(all, k); };
  });
}

TEST(TopK, AfterAnotherFilterKeepsTheLikeliestToo) {
  CompareWithOracle(
      {SamplerKind::kMinP, SamplerKind::kTopK}, "TOP_K", [](InspectRequest& request, std::mt19937& random) {
        request.sampling.top_k = Pick(random, 1, 60);
        const std::size_t k = std::max(AtLeast(request), static_cast<std::size_t>(request.sampling.top_k));
        return [k, all = Sorted(request.logits)](double) { return First(all, k); };
      });
}

TEST(TopP, KeepsUntilTheSumIsReached) {
  CompareWithOracle({SamplerKind::kTopP}, "TOP_P", [](InspectRequest& request, std::mt19937& random) {
    const double p = request.sampling.top_p = static_cast<float>(Uniform(random, 0, 0.999));
    const std::size_t keep = AtLeast(request);
    return [p, keep, all = Softmax(Sorted(request.logits))](double edge) {
      std::size_t n = 0;
      double sum = 0;
      while (n < all.size() && (n < keep || sum < p + edge)) sum += all[n++].p;
      return First(all, std::max<std::size_t>(n, 1));
    };
  });
}

TEST(MinP, KeepsAShareOfTheLikeliest) {
  CompareWithOracle({SamplerKind::kMinP}, "MIN_P", [](InspectRequest& request, std::mt19937& random) {
    const double p = request.sampling.min_p = static_cast<float>(Uniform(random, 0.001, 1));
    const std::size_t keep = AtLeast(request);
    return [p, keep, all = Softmax(Sorted(request.logits))](double edge) {
      std::size_t n = 0;
      while (n < all.size() && (n < keep || all[n].p >= p * (1 + edge) * all[0].p)) ++n;
      return First(all, n);
    };
  });
}

TEST(TopNSigma, KeepsWhatIsWithinDeviationsOfTheLargest) {
  CompareWithOracle({SamplerKind::kTopNSigma}, "TOP_N_SIGMA", [](InspectRequest& request, std::mt19937& random) {
    const double n = request.sampling.top_n_sigma = static_cast<float>(Uniform(random, 0.1, 4));
    return [n, all = Sorted(request.logits)](double edge) {
      double mean = 0;
      for (const Candidate& c : all) mean += c.logit / static_cast<double>(all.size());
      double variance = 0;
      for (const Candidate& c : all) variance += std::pow(c.logit - mean, 2) / static_cast<double>(all.size());
      // Of equal logits llama.cpp's float deviation is not quite 0: an edge of its own.
      const double lowest = all[0].logit - n * std::sqrt(variance) * (1 + edge) - edge;
      Candidates kept = all;
      std::erase_if(kept, [&](const Candidate& c) { return c.logit < lowest; });
      return Softmax(kept);
    };
  });
}

TEST(Xtc, TakesTheLikelyOnesButTheLeastOfThem) {
  CompareWithOracle({SamplerKind::kXtc}, "XTC", [](InspectRequest& request, std::mt19937& random) {
    request.sampling.xtc_probability = 1;
    const double threshold = request.sampling.xtc_threshold = static_cast<float>(Uniform(random, 0, 0.5));
    const std::size_t keep = AtLeast(request);
    return [threshold, keep, all = Softmax(Sorted(request.logits))](double edge) {
      std::size_t likely = 0;
      while (likely < all.size() && all[likely].p >= threshold * (1 + edge)) ++likely;
      if (likely < 2 || all.size() - (likely - 1) < keep) return all;
      return Softmax(Candidates(all.begin() + static_cast<std::ptrdiff_t>(likely - 1), all.end()));
    };
  });
}

TEST(Xtc, ActsAsOftenAsItsChance) {
  int acted = 0;
  for (std::uint32_t seed = 0; seed < 2000; ++seed) {
    InspectRequest request = Bare({1, 1, 0}, {SamplerKind::kXtc});
    request.sampling.xtc_probability = 0.3F;
    request.sampling.xtc_threshold = 0.2F;
    request.sampling.seed = seed;
    const auto inspection = InspectSampling(request);
    ASSERT_TRUE(inspection.ok());
    acted += After(inspection.value(), "XTC").size() < 3 ? 1 : 0;
  }
  EXPECT_NEAR(acted, 600, 110);
}

}  // namespace
}  // namespace medinfer::testing
