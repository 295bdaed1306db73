#include "sampling/sampler_chain.h"

#include <algorithm>
#include <limits>

#include "llama.h"
#include "sampling/arg_max.h"

namespace medinfer {

void SamplerChain::SamplerDeleter::operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); }

SamplerChain::SamplerChain(const llama_vocab* vocab, const SamplingParams& params, bool ignore_eos,
                           std::uint32_t context)
    : repeat_penalty_(params.repeat_penalty),
      repeat_last_n_(params.repeat_last_n < 0 ? context : static_cast<std::size_t>(params.repeat_last_n)),
      exempt_(params.penalize_nl ? -1 : llama_vocab_nl(vocab)) {
  const std::int32_t n_vocab = llama_vocab_n_tokens(vocab);
  if (ignore_eos) {
    for (std::int32_t token = 0; token < n_vocab; ++token) {
      if (llama_vocab_is_eog(vocab, token)) banned_.push_back(token);
    }
  }
  if (params.temperature <= 0) return;
  const std::int32_t min_keep = std::max(1, params.min_keep);
  const auto keep = static_cast<std::size_t>(min_keep);
  filters_.reset(llama_sampler_chain_init(llama_sampler_chain_default_params()));
  const auto add = [this](llama_sampler* sampler) { llama_sampler_chain_add(filters_.get(), sampler); };
  if (params.top_k > 0) add(llama_sampler_init_top_k(std::max(params.top_k, min_keep)));
  if (params.top_p < 1) add(llama_sampler_init_top_p(params.top_p, keep));
  if (params.min_p > 0) add(llama_sampler_init_min_p(params.min_p, keep));
  add(llama_sampler_init_temp(params.temperature));
  add(llama_sampler_init_dist(params.seed));
}

SamplerChain::~SamplerChain() = default;

std::int32_t SamplerChain::Draw(std::span<float> logits) {
  for (const std::int32_t token : banned_) {
    logits[static_cast<std::size_t>(token)] = -std::numeric_limits<float>::infinity();
  }
  Penalize(logits);
  std::int32_t token = DrawFree(logits);
  if (constraint_ != nullptr) {
    // Most tokens that are drawn are admitted, and asking about one is cheap.
    llama_token_data drawn{token, logits[static_cast<std::size_t>(token)], 0.0F};
    llama_token_data_array array{&drawn, 1, -1, false};
    constraint_->Apply(array);
    if (drawn.logit == -std::numeric_limits<float>::infinity()) token = DrawConstrained(logits);
    if (token == kNoToken) return token;
    constraint_->Accept(token);
  }
  history_.push_back(token);
  return token;
}

std::int32_t SamplerChain::DrawFree(std::span<const float> logits) {
  if (filters_ == nullptr) return static_cast<std::int32_t>(ArgMax(logits));
  candidates_.resize(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    candidates_[i] = {static_cast<llama_token>(i), logits[i], 0.0F};
  }
  llama_token_data_array array{candidates_.data(), candidates_.size(), -1, false};
  llama_sampler_apply(filters_.get(), &array);
  return candidates_[static_cast<std::size_t>(array.selected)].id;
}

// Draws among all tokens that the constraint admits. The others are taken out, so that no filter can keep them.
std::int32_t SamplerChain::DrawConstrained(std::span<const float> logits) {
  candidates_.resize(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    candidates_[i] = {static_cast<llama_token>(i), logits[i], 0.0F};
  }
  llama_token_data_array all{candidates_.data(), candidates_.size(), -1, false};
  constraint_->Apply(all);
  std::erase_if(candidates_, [](const llama_token_data& candidate) {
    return candidate.logit == -std::numeric_limits<float>::infinity();
  });
  if (candidates_.empty()) return kNoToken;
  if (filters_ == nullptr) {
    return std::max_element(candidates_.begin(), candidates_.end(),
                            [](const auto& a, const auto& b) { return a.logit < b.logit; })
        ->id;
  }
  llama_token_data_array array{candidates_.data(), candidates_.size(), -1, false};
  llama_sampler_apply(filters_.get(), &array);
  return candidates_[static_cast<std::size_t>(array.selected)].id;
}

// Each distinct token of the history is penalized once. A negative logit is multiplied, not divided: dividing would
// make the token likelier (llama.cpp b3534, llama_sample_repetition_penalties).
void SamplerChain::Penalize(std::span<float> logits) {
  if (repeat_penalty_ == 1.0F || repeat_last_n_ == 0) return;
  penalized_.resize(logits.size());
  const std::size_t begin = history_.size() - std::min(history_.size(), repeat_last_n_);
  for (std::size_t i = begin; i < history_.size(); ++i) {
    const std::int32_t token = history_[i];
    const auto at = static_cast<std::size_t>(token);
    if (penalized_[at] || token == exempt_) continue;
    penalized_[at] = true;
    logits[at] = logits[at] <= 0 ? logits[at] * repeat_penalty_ : logits[at] / repeat_penalty_;
  }
  for (std::size_t i = begin; i < history_.size(); ++i) penalized_[static_cast<std::size_t>(history_[i])] = false;
}

}  // namespace medinfer
