#include "speculation/acceptance.h"

#include <algorithm>

namespace medinfer {
namespace {

// What a token leaves of those of its kind before it: some thirty count.
constexpr double kKept = 0.97;
// Tokens that a prior weighs as.
constexpr double kPriorWeight = 6;
// A chance is never quite one or none, so that a kind can be tried, and given up.
constexpr double kLeast = 0.01;

}  // namespace

double Acceptance::Of(GuessKind kind) const {
  const Counts& counts = counts_[kind.index()];
  return std::clamp(counts.accepted / (counts.accepted + counts.refused), kLeast, 1 - kLeast);
}

void Acceptance::Report(std::span<const GuessKind> draft, std::size_t accepted) {
  for (std::size_t i = 0; i < draft.size() && i <= accepted; ++i) {
    Counts& counts = counts_[draft[i].index()];
    counts.accepted = counts.accepted * kKept + (i < accepted ? 1 : 0);
    counts.refused = counts.refused * kKept + (i < accepted ? 0 : 1);
  }
}

Acceptance Acceptance::Prior() const {
  Acceptance prior;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    const double share =
        std::clamp(counts_[i].accepted / (counts_[i].accepted + counts_[i].refused), kLeast, 1 - kLeast);
    prior.counts_[i] = {share * kPriorWeight, (1 - share) * kPriorWeight};
  }
  return prior;
}

}  // namespace medinfer
