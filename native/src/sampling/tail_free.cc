#include "sampling/tail_free.h"

#include <cmath>

#include "llama.h"
#include "sampling/candidates.h"

namespace medinfer {
namespace {

constexpr double kFlat = 1e-6;  // a curvature below it is rounding: every difference then counts alike

}  // namespace

void TailFree::Apply(llama_token_data_array& candidates) {
  if (z_ >= 1 || candidates.size <= 2) return;
  SortByLogit(candidates);
  Softmax(candidates, p_);
  d2_.resize(p_.size() - 2);
  double sum = 0;
  for (std::size_t i = 0; i < d2_.size(); ++i) {
    sum += d2_[i] = std::abs((p_[i] - p_[i + 1]) - (p_[i + 1] - p_[i + 2]));
  }
  double cumulative = 0;
  for (std::size_t i = 0; i < d2_.size(); ++i) {
    cumulative += sum > kFlat ? d2_[i] / sum : 1 / static_cast<double>(d2_.size());
    if (cumulative > z_ && i >= min_keep_) {
      candidates.size = i;
      return;
    }
  }
}

}  // namespace medinfer
