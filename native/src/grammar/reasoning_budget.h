// Ends a model's reasoning after so many tokens: the closing tag's tokens are all that may come then, and what follows
// is the model's own, or what another constraint says. Not thread-safe: made on any thread, then belongs to the engine
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/utf8.h"
#include "grammar/tag_tracker.h"
#include "grammar/token_constraint.h"
#include "text/token_texts.h"

struct llama_vocab;

namespace medinfer {

class ReasoningBudget final : public TokenConstraint {
 public:
  struct Limit {
    ReasoningTags tags;
    std::uint32_t tokens = 0;           // of reasoning; the tags are not counted
    std::vector<std::int32_t> closing;  // the closing tag as the model reads it. REQUIRES: not empty
  };

  // `texts`: what the tags are looked for in. `inner` holds beside it, and takes the closing tag; null: nothing else
  // does. `vocab` outlives it.
  ReasoningBudget(const llama_vocab* vocab, TokenTexts texts, Limit limit, std::unique_ptr<TokenConstraint> inner);

  std::unique_ptr<TokenConstraint> Clone() const override;
  void Apply(llama_token_data_array& candidates) override;
  void Accept(std::int32_t token) override;
  bool ended() const override { return inner_ != nullptr && inner_->ended(); }
  bool lost() const override { return inner_ != nullptr && inner_->lost(); }
  bool Writes(std::int32_t token) const override { return inner_ != nullptr && inner_->Writes(token); }
  std::optional<std::uint64_t> ClosingSize() const override {
    return inner_ != nullptr ? inner_->ClosingSize() : std::nullopt;
  }
  std::optional<std::string> Closing() const override { return inner_ != nullptr ? inner_->Closing() : std::nullopt; }
  // Of the inner one; the closing tag is no text.
  std::string Forced(std::size_t most) const override {
    return inner_ == nullptr || forces() ? std::string() : inner_->Forced(most);
  }

 private:
  // What all copies share.
  struct Shared {
    TokenTexts texts;
    TagPatterns patterns;
    Limit limit;
  };

  ReasoningBudget(const ReasoningBudget& other, std::unique_ptr<TokenConstraint> inner);
  // Whether the closing tag is being written. Not in the middle of a character.
  bool forces() const;

  const llama_vocab* vocab_;
  std::shared_ptr<const Shared> shared_;
  std::unique_ptr<TokenConstraint> inner_;
  TagTracker tracker_;
  Utf8Check utf8_;
  std::uint32_t tokens_ = 0;  // of the reasoning so far
  std::uint32_t closed_ = 0;  // tokens of the closing tag that were forced
};

}  // namespace medinfer
