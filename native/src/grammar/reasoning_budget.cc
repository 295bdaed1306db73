#include "grammar/reasoning_budget.h"

#include <llama-vocab.h>

#include <limits>
#include <string_view>
#include <utility>

namespace medinfer {

ReasoningBudget::ReasoningBudget(const llama_vocab* vocab, TokenTexts texts, Limit limit,
                                 std::unique_ptr<TokenConstraint> inner)
    : vocab_(vocab),
      shared_(std::make_shared<const Shared>(Shared{std::move(texts), TagPatterns(limit.tags), std::move(limit)})),
      inner_(std::move(inner)),
      tracker_(shared_->patterns) {}

ReasoningBudget::ReasoningBudget(const ReasoningBudget& other, std::unique_ptr<TokenConstraint> inner)
    : vocab_(other.vocab_),
      shared_(other.shared_),
      inner_(std::move(inner)),
      tracker_(other.tracker_),
      utf8_(other.utf8_),
      tokens_(other.tokens_),
      closed_(other.closed_) {}

std::unique_ptr<TokenConstraint> ReasoningBudget::Clone() const {
  return std::unique_ptr<TokenConstraint>(new ReasoningBudget(*this, inner_ == nullptr ? nullptr : inner_->Clone()));
}

bool ReasoningBudget::forces() const {
  if (tracker_.phase() != TagTracker::Phase::kInside) return false;
  return closed_ > 0 || (tokens_ >= shared_->limit.tokens && utf8_.Whole());
}

void ReasoningBudget::Apply(llama_token_data_array& candidates) {
  if (!forces()) {
    if (inner_ != nullptr) inner_->Apply(candidates);
    return;
  }
  const std::int32_t wanted = shared_->limit.closing[closed_];
  for (std::size_t i = 0; i < candidates.size; ++i) {
    if (candidates.data[i].id != wanted) candidates.data[i].logit = -std::numeric_limits<float>::infinity();
  }
}

void ReasoningBudget::Accept(std::int32_t token) {
  const bool forced = forces();
  if (inner_ != nullptr) inner_->Accept(token);
  if (vocab_->is_eog(token)) return;
  const bool inside = tracker_.phase() == TagTracker::Phase::kInside;
  if (!inside && tracker_.phase() != TagTracker::Phase::kBefore) return;
  const std::string_view text = shared_->texts.Of(token);
  utf8_.Push(text);
  tracker_.Push(text);
  if (forced) {
    // A closing tag that is not found in its own tokens' texts is written once all the same.
    if (++closed_ == shared_->limit.closing.size()) closed_ = tokens_ = 0;
  } else if (inside) {
    ++tokens_;
  }
}

}  // namespace medinfer
