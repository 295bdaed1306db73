// A grammar that holds behind the model's reasoning: what stands between the tags is free, and what follows the closing
// tag is the grammar's, to the letter. A model that does not begin with the opening tag answers at once.
//
// A token may hold the end of a tag and the beginning of the answer: then the grammar has to take that beginning. The
// model's turn cannot end inside the reasoning, because then there would be no answer.
// Not thread-safe: made on any thread, then belongs to the engine thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/grammar.h"
#include "grammar/tag_tracker.h"
#include "grammar/token_constraint.h"
#include "text/token_texts.h"

namespace medinfer {

class ReasoningGate final : public TokenConstraint {
 public:
  // `grammar` has followed no token yet. `texts`: what the tags are looked for in. `vocab` outlives it.
  ReasoningGate(const llama_vocab* vocab, TokenTexts texts, ReasoningTags tags,
                std::unique_ptr<GrammarConstraint> grammar);

  std::unique_ptr<TokenConstraint> Clone() const override;
  void Apply(llama_token_data_array& candidates) override;
  void Accept(std::int32_t token) override;
  bool ended() const override;
  bool lost() const override { return answer_->lost() || (direct_ != nullptr && direct_->lost()); }
  bool Writes(std::int32_t token) const override;
  // Of the answer; inside of the reasoning nothing.
  std::optional<std::string> Closing() const override;
  std::optional<std::uint64_t> ClosingSize() const override;
  std::string Forced(std::size_t most) const override;

 private:
  using Phase = TagTracker::Phase;

  ReasoningGate(const ReasoningGate& other, std::unique_ptr<GrammarConstraint> answer,
                std::unique_ptr<GrammarConstraint> direct);
  std::string_view TextOf(std::int32_t token) const;
  bool Reasons(std::int32_t token) const;

  const llama_vocab* vocab_;
  std::shared_ptr<const TokenTexts> texts_;
  std::shared_ptr<const TagPatterns> patterns_;
  TagTracker tracker_;
  std::unique_ptr<GrammarConstraint> answer_;  // has followed what stands behind the closing tag
  std::unique_ptr<GrammarConstraint> direct_;  // kBefore: has followed the whole text; then null
};

}  // namespace medinfer
