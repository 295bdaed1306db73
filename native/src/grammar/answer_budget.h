// Completes an answer before its tokens run out: what another constraint says holds, and no token may come behind which
// the shortest end of the answer would not fit any more. Where no other is left, that end is written.
//
// While the other constraint knows no end, as inside of a model's reasoning, it holds alone.
// Not thread-safe: made on any thread, then belongs to the engine thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "grammar/token_constraint.h"
#include "text/piece_table.h"

struct llama_vocab;

namespace medinfer {

class AnswerBudget final : public TokenConstraint {
 public:
  // `tokens`: of the whole answer. `vocab` outlives it. REQUIRES: the shortest answer fits.
  AnswerBudget(const llama_vocab* vocab, std::shared_ptr<const PieceTable> pieces, std::uint32_t tokens,
               std::unique_ptr<TokenConstraint> inner);

  std::unique_ptr<TokenConstraint> Clone() const override;
  // Where a token is refused because the end would not fit behind it, the end is all that may come from then on.
  void Apply(llama_token_data_array& candidates) override;
  void Accept(std::int32_t token) override;
  bool ended() const override { return inner_->ended(); }
  bool lost() const override { return inner_->lost(); }
  bool cut() const override { return end_.has_value(); }
  bool Writes(std::int32_t token) const override { return inner_->Writes(token); }
  std::optional<std::uint64_t> ClosingSize() const override { return inner_->ClosingSize(); }
  std::optional<std::string> Closing() const override { return inner_->Closing(); }
  std::string Forced(std::size_t most) const override;

 private:
  AnswerBudget(const AnswerBudget& other, std::unique_ptr<TokenConstraint> inner);
  bool Fits(std::int32_t token) const;
  void WriteEnd();
  void KeepEnd(llama_token_data_array& candidates) const;

  const llama_vocab* vocab_;
  std::shared_ptr<const PieceTable> pieces_;
  std::unique_ptr<TokenConstraint> inner_;
  std::uint32_t left_;  // tokens that may still come
  // What is left to be written of the end, the next one last; empty: no text may come. Nothing: it is not written yet.
  std::optional<std::vector<std::int32_t>> end_;
};

}  // namespace medinfer
