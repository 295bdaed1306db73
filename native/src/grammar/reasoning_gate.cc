#include "grammar/reasoning_gate.h"

#include <llama-vocab.h>

#include <limits>
#include <utility>

namespace medinfer {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

}  // namespace

ReasoningGate::ReasoningGate(const llama_vocab* vocab, TokenTexts texts, ReasoningTags tags,
                             std::unique_ptr<GrammarConstraint> grammar)
    : vocab_(vocab),
      texts_(std::make_shared<const TokenTexts>(std::move(texts))),
      patterns_(std::make_shared<const TagPatterns>(std::move(tags))),
      tracker_(*patterns_),
      answer_(std::move(grammar)),
      direct_(tracker_.phase() == Phase::kBefore ? answer_->Copy() : nullptr) {}

ReasoningGate::ReasoningGate(const ReasoningGate& other, std::unique_ptr<GrammarConstraint> answer,
                             std::unique_ptr<GrammarConstraint> direct)
    : vocab_(other.vocab_),
      texts_(other.texts_),
      patterns_(other.patterns_),
      tracker_(other.tracker_),
      answer_(std::move(answer)),
      direct_(std::move(direct)) {}

std::unique_ptr<TokenConstraint> ReasoningGate::Clone() const {
  return std::unique_ptr<TokenConstraint>(
      new ReasoningGate(*this, answer_->Copy(), direct_ == nullptr ? nullptr : direct_->Copy()));
}

// A control token that the answer's grammar names is text there.
std::string_view ReasoningGate::TextOf(std::int32_t token) const {
  if (direct_ != nullptr && direct_->Writes(token)) return vocab_->token_to_piece(token);
  return texts_->Of(token);
}

// Whether the token may come as a part of the reasoning or of its tags.
bool ReasoningGate::Reasons(std::int32_t token) const {
  if (vocab_->is_eog(token)) return false;
  const std::string_view text = TextOf(token);
  if (text.empty() && tracker_.phase() == Phase::kBefore) return false;
  TagTracker after = tracker_;
  const std::string_view rest = after.Push(text);
  if (after.phase() == Phase::kDirect) return false;
  return after.phase() != Phase::kBehind || answer_->Admits(rest);
}

void ReasoningGate::Apply(llama_token_data_array& candidates) {
  if (tracker_.phase() == Phase::kBehind) return answer_->Apply(candidates);
  if (tracker_.phase() == Phase::kDirect) return direct_->Apply(candidates);
  std::vector<float> logits(candidates.size);
  for (std::size_t i = 0; i < candidates.size; ++i) logits[i] = candidates.data[i].logit;
  if (direct_ != nullptr) direct_->Apply(candidates);
  for (std::size_t i = 0; i < candidates.size; ++i) {
    llama_token_data& candidate = candidates.data[i];
    const bool answers = direct_ != nullptr && candidate.logit != kNever;
    if (!answers) candidate.logit = Reasons(candidate.id) ? logits[i] : kNever;
  }
}

void ReasoningGate::Accept(std::int32_t token) {
  if (tracker_.phase() == Phase::kBehind) return answer_->Accept(token);
  if (tracker_.phase() == Phase::kDirect) return direct_->Accept(token);
  if (vocab_->is_eog(token)) return;
  const std::string_view rest = tracker_.Push(TextOf(token));
  if (direct_ != nullptr) direct_->Accept(token);
  if (tracker_.phase() == Phase::kInside || tracker_.phase() == Phase::kBehind) direct_.reset();
  if (tracker_.phase() == Phase::kBehind) answer_->Append(rest);
}

bool ReasoningGate::ended() const {
  if (tracker_.phase() == Phase::kBehind) return answer_->ended();
  return tracker_.phase() == Phase::kDirect && direct_->ended();
}

std::optional<std::string> ReasoningGate::Closing() const {
  if (tracker_.phase() == Phase::kBehind) return answer_->Closing();
  return tracker_.phase() == Phase::kDirect ? direct_->Closing() : std::nullopt;
}

std::optional<std::uint64_t> ReasoningGate::ClosingSize() const {
  if (tracker_.phase() == Phase::kBehind) return answer_->ClosingSize();
  return tracker_.phase() == Phase::kDirect ? direct_->ClosingSize() : std::nullopt;
}

std::string ReasoningGate::Forced(std::size_t most) const {
  if (tracker_.phase() == Phase::kBehind) return answer_->Forced(most);
  return tracker_.phase() == Phase::kDirect ? direct_->Forced(most) : std::string();
}

bool ReasoningGate::Writes(std::int32_t token) const {
  if (tracker_.phase() == Phase::kBehind) return answer_->Writes(token);
  return tracker_.phase() == Phase::kDirect && direct_->Writes(token);
}

}  // namespace medinfer
