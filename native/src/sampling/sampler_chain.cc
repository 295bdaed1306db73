#include "sampling/sampler_chain.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "sampling/arg_max.h"
#include "sampling/candidates.h"
#include "sampling/top_logprobs.h"

namespace medinfer {
namespace {

constexpr float kImpossible = -std::numeric_limits<float>::infinity();

}  // namespace

SamplerChain::SamplerChain(const SamplingParams& params, SamplerTokens tokens, TokenConstraint* constraint)
    : tokens_(std::move(tokens)),
      tells_softmax_(params.temperature < 0),
      stages_(BuildStages(params, tokens_)),
      constraint_(constraint) {
  if (!tokens_.penalty_prompt || stages_.penalties == nullptr) return;
  for (const std::int32_t token : *tokens_.penalty_prompt) stages_.penalties->Accept(token);
}

SamplerChain::~SamplerChain() = default;

bool SamplerChain::takes_likeliest() const {
  return stages_.greedy && stages_.filters.empty() && stages_.first_penalties == nullptr && tokens_.biases.empty() &&
         forbidden_.empty() && constraint_ == nullptr && !observer_;
}

void SamplerChain::AcceptPrompt(std::int32_t token) {
  if (stages_.first_penalties != nullptr && !tokens_.penalty_prompt) stages_.first_penalties->Accept(token);
  for (const Stage& stage : stages_.filters) {
    if (stage.kind == SamplerKind::kPenalties && tokens_.penalty_prompt) continue;
    llama_sampler_accept(stage.sampler.get(), token);
  }
}

void SamplerChain::Accept(std::int32_t token) {
  if (stages_.first_penalties != nullptr) stages_.first_penalties->Accept(token);
  for (const Stage& stage : stages_.filters) llama_sampler_accept(stage.sampler.get(), token);
  if (stages_.selector != nullptr) llama_sampler_accept(stages_.selector.get(), token);
  if (constraint_ != nullptr) constraint_->Accept(token);
}

std::int32_t SamplerChain::Draw(std::span<float> logits, TokenLogprobs* logprobs, std::size_t n_probs) {
  if (logprobs != nullptr) raw_.assign(logits.begin(), logits.end());
  for (const TokenBias& bias : tokens_.biases) logits[static_cast<std::size_t>(bias.token)] += bias.bias;
  if (!tokens_.biases.empty()) ShowLogits("TOKEN_BIAS", logits);
  for (const std::int32_t token : forbidden_) logits[static_cast<std::size_t>(token)] = kImpossible;
  if (stages_.first_penalties != nullptr) {
    stages_.first_penalties->Apply(logits);
    ShowLogits("PENALTIES", logits);
  }
  // A grammar is slow to ask about a whole vocabulary, and mostly agrees with the model: ask about one token first.
  std::int32_t token = Choose(logits, /*constrained=*/false);
  // The constraint sees all candidates where it refused one, and may refuse what is drawn of those once.
  for (int refused = 0; refused < 2 && token >= 0 && !Allows(token); ++refused) {
    token = Choose(logits, /*constrained=*/true);
  }
  if (token < 0) return token;
  if (logprobs != nullptr) {
    logprobs->token = token;
    logprobs->before = TopLogprobs(raw_, token, n_probs, logprobs->top_before);
    FillAfter(logits, *logprobs, n_probs);
  }
  Accept(token);
  return token;
}

std::int32_t SamplerChain::Choose(std::span<const float> logits, bool constrained) {
  if (stages_.greedy) return ChooseGreedy(logits, constrained);
  Gather(logits, constrained);
  if (array_.size == 0) return -1;
  Filter();
  llama_sampler_apply(stages_.selector.get(), &array_);
  if (stages_.selector_name != nullptr) Show(stages_.selector_name);
  return array_.data[array_.selected].id;
}

std::int32_t SamplerChain::ChooseGreedy(std::span<const float> logits, bool constrained) {
  if (stages_.filters.empty() && !constrained) {
    const std::size_t best = ArgMax(logits);
    if (!(logits[best] > kImpossible)) return -1;
    candidates_.assign(1, {static_cast<llama_token>(best), logits[best], 1.0F});
  } else {
    Gather(logits, constrained);
    Filter();
    if (array_.size == 0) return -1;
    const auto likelier = [](const llama_token_data& a, const llama_token_data& b) {
      return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
    };
    candidates_.assign(1, *std::min_element(array_.data, array_.data + array_.size, likelier));
  }
  array_ = {candidates_.data(), 1, 0, true};
  Show("GREEDY");
  return candidates_[0].id;
}

// What the filters begin with.
void SamplerChain::Gather(std::span<const float> logits, bool constrained) {
  next_filter_ = 0;
  const bool selects = stages_.first_top_k > 0 && !constrained;
  if (selects) {
    SelectTop(logits, stages_.first_top_k, candidates_);
    next_filter_ = 1;
  } else {
    AllCandidates(logits, candidates_);
  }
  array_ = {candidates_.data(), candidates_.size(), -1, selects};
  if (selects) Show(SamplerName(SamplerKind::kTopK));
  if (!constrained) return;
  constraint_->Apply(array_);
  DropImpossible(array_);
}

void SamplerChain::Filter() {
  for (std::size_t i = next_filter_; i < stages_.filters.size() && array_.size > 0; ++i) {
    const Stage& stage = stages_.filters[i];
    llama_sampler_apply(stage.sampler.get(), &array_);
    // Its way of dropping candidates.
    if (stage.kind == SamplerKind::kTopNSigma) DropImpossible(array_);
    Show(SamplerName(stage.kind));
  }
}

bool SamplerChain::Allows(std::int32_t token) {
  if (constraint_ == nullptr) return true;
  llama_token_data one{token, 1.0F, 0.0F};
  llama_token_data_array array{&one, 1, -1, false};
  constraint_->Apply(array);
  return one.logit > kImpossible;
}

void SamplerChain::FillAfter(std::span<const float> logits, TokenLogprobs& logprobs, std::size_t n_probs) const {
  if (stages_.greedy && tells_softmax_) {
    logprobs.after = TopLogprobs(logits, logprobs.token, n_probs, logprobs.top_after);
  } else {
    logprobs.after = TopLogprobs(std::span<const llama_token_data>(array_.data, array_.size), logprobs.token, n_probs,
                                 logprobs.top_after);
  }
}

void SamplerChain::Show(const char* stage) const {
  if (observer_) observer_(stage, {array_.data, array_.size});
}

void SamplerChain::ShowLogits(const char* stage, std::span<const float> logits) {
  if (!observer_) return;
  AllCandidates(logits, candidates_);
  observer_(stage, candidates_);
}

}  // namespace medinfer
