#include "grammar/answer_budget.h"

#include <llama-vocab.h>

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

namespace medinfer {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
// A character of UTF-8 has so many bytes at most, each of which may be a token.
constexpr std::size_t kMostOfACharacter = 4;

}  // namespace

AnswerBudget::AnswerBudget(const llama_vocab* vocab, std::shared_ptr<const PieceTable> pieces, std::uint32_t tokens,
                           std::unique_ptr<TokenConstraint> inner)
    : vocab_(vocab), pieces_(std::move(pieces)), inner_(std::move(inner)), left_(tokens) {}

AnswerBudget::AnswerBudget(const AnswerBudget& other, std::unique_ptr<TokenConstraint> inner)
    : vocab_(other.vocab_), pieces_(other.pieces_), inner_(std::move(inner)), left_(other.left_), end_(other.end_) {}

std::unique_ptr<TokenConstraint> AnswerBudget::Clone() const {
  return std::unique_ptr<TokenConstraint>(new AnswerBudget(*this, inner_->Clone()));
}

void AnswerBudget::Apply(llama_token_data_array& candidates) {
  inner_->Apply(candidates);
  if (!end_) {
    // Many candidates are not asked one by one: the one that is drawn of them is asked again.
    if (candidates.size != 1 || candidates.data[0].logit == kNever || Fits(candidates.data[0].id)) return;
    WriteEnd();
  }
  if (end_) KeepEnd(candidates);
}

void AnswerBudget::KeepEnd(llama_token_data_array& candidates) const {
  const std::span<llama_token_data> all(candidates.data, candidates.size);
  const auto comes = [this](const llama_token_data& candidate) {
    return end_->empty() ? vocab_->is_eog(candidate.id) : candidate.id == end_->back();
  };
  // Where the request forbids the end of the turn, the answer goes on until its tokens have run out.
  if (all.size() > 1 &&
      std::ranges::none_of(all, [&](const auto& each) { return each.logit != kNever && comes(each); })) {
    return;
  }
  for (llama_token_data& candidate : all) {
    if (!comes(candidate)) candidate.logit = kNever;
  }
}

void AnswerBudget::Accept(std::int32_t token) {
  inner_->Accept(token);
  if (left_ > 0) --left_;
  if (end_ && !end_->empty()) end_->pop_back();
}

std::string AnswerBudget::Forced(std::size_t most) const {
  if (!end_) return inner_->Forced(most);
  std::string text;
  for (auto token = end_->rbegin(); token != end_->rend() && text.size() < most; ++token) {
    text += vocab_->token_to_piece(*token);
  }
  return text;
}

// Whether the shortest end fits behind this token.
bool AnswerBudget::Fits(std::int32_t token) const {
  if (vocab_->is_eog(token)) return true;
  const std::size_t behind = left_ > 0 ? left_ - 1 : 0;
  const std::unique_ptr<TokenConstraint> after = inner_->Clone();
  after->Accept(token);
  if (const auto size = after->ClosingSize()) {
    if (*size <= behind) return true;  // a token has a byte at least
    const auto end = after->Closing();
    if (!end) return false;
    const auto tokens = pieces_->Segment(*end);
    return !tokens || tokens->size() <= behind;
  }
  const auto now = inner_->Closing();
  if (!now) return true;
  // In the middle of a character: behind its rest stands what stands here.
  const auto tokens = pieces_->Segment(*now);
  return !tokens || tokens->size() + kMostOfACharacter <= behind;
}

void AnswerBudget::WriteEnd() {
  const auto end = inner_->Closing();
  end_ = end ? pieces_->Segment(*end) : std::nullopt;
  if (end_) std::ranges::reverse(*end_);
}

}  // namespace medinfer
