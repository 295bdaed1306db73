#include "sampling/penalties.h"

#include "llama.h"

namespace medinfer {

float Penalties::Penalized(float logit, std::uint32_t count) const {
  const float repeated = logit <= 0 ? logit * params_.repeat : logit / params_.repeat;
  return repeated - static_cast<float>(count) * params_.frequency - params_.presence;
}

void Penalties::Apply(llama_token_data_array& candidates) {
  if (count_.empty()) return;
  for (std::size_t i = 0; i < candidates.size; ++i) {
    llama_token_data& candidate = candidates.data[i];
    const auto found = count_.find(candidate.id);
    if (found != count_.end()) candidate.logit = Penalized(candidate.logit, found->second);
  }
  candidates.sorted = false;
}

void Penalties::Apply(std::span<float> logits) const {
  for (const auto& [token, count] : count_) {
    float& logit = logits[static_cast<std::size_t>(token)];
    logit = Penalized(logit, count);
  }
}

void Penalties::Accept(std::int32_t token) {
  if (!params_.active()) return;
  window_.push_back(token);
  if (token != params_.exempt) ++count_[token];
  if (window_.size() <= params_.last_n) return;
  const auto oldest = count_.find(window_.front());
  if (oldest != count_.end() && --oldest->second == 0) count_.erase(oldest);
  window_.pop_front();
}

void Penalties::Reset() {
  window_.clear();
  count_.clear();
}

}  // namespace medinfer
