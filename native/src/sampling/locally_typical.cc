#include "sampling/locally_typical.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "llama.h"
#include "sampling/candidates.h"

namespace medinfer {

void LocallyTypical::Apply(llama_token_data_array& candidates) {
  if (p_ >= 1 || candidates.size <= 1) return;
  Softmax(candidates, probabilities_);
  double entropy = 0;
  for (const double p : probabilities_) {
    if (p > 0) entropy -= p * std::log(p);
  }
  struct Scored {
    double distance;
    double p;
    llama_token_data candidate;
  };
  std::vector<Scored> scored;
  scored.reserve(candidates.size);
  for (std::size_t i = 0; i < candidates.size; ++i) {
    const double p = probabilities_[i];
    const double distance = p > 0 ? std::abs(-std::log(p) - entropy) : std::numeric_limits<double>::infinity();
    scored.push_back({distance, p, candidates.data[i]});
  }
  // Equal distances: the likelier first, then the lower id, so that the outcome does not depend on the order before.
  std::sort(scored.begin(), scored.end(), [](const Scored& a, const Scored& b) {
    if (a.distance != b.distance) return a.distance < b.distance;
    if (a.p != b.p) return a.p > b.p;
    return a.candidate.id < b.candidate.id;
  });
  double cumulative = 0;
  std::size_t kept = 0;
  while (kept < scored.size()) {
    cumulative += scored[kept].p;
    candidates.data[kept] = scored[kept].candidate;
    ++kept;
    if (cumulative > p_ && kept >= min_keep_) break;
  }
  candidates.size = kept;
  candidates.sorted = false;
}

}  // namespace medinfer
