// Keeps the drawn tokens to a GBNF grammar. Works on llama.cpp's own grammar state rather than on its sampler, because
// the sampler hides whether a text is complete, aborts the process on a bad token and writes to stderr.
// Not thread-safe: made on any thread, then belongs to the engine thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "medinfer/status.h"
#include "sampling/token_constraint.h"
#include "text/utf8.h"

struct llama_grammar;
struct llama_vocab;

namespace medinfer {

class GrammarConstraint final : public TokenConstraint {
 public:
  // kInvalidArgument where the grammar is wrong, or too costly to follow. `vocab` outlives the constraint.
  static Result<std::unique_ptr<GrammarConstraint>> Create(const llama_vocab* vocab, const std::string& grammar);
  ~GrammarConstraint() override;

  // Another that has followed the same tokens.
  std::unique_ptr<GrammarConstraint> Clone() const;
  GrammarConstraint(const GrammarConstraint&) = delete;
  GrammarConstraint& operator=(const GrammarConstraint&) = delete;

  void Apply(llama_token_data_array& candidates) override;
  void Accept(std::int32_t token) override;

  // The text is complete and nothing may follow.
  bool ended() const;

 private:
  struct GrammarDeleter {
    void operator()(llama_grammar* grammar) const;
  };

  GrammarConstraint(const llama_vocab* vocab, std::unique_ptr<llama_grammar, GrammarDeleter> grammar, bool has_tokens);
  bool Admissible(std::int32_t token) const;

  const llama_vocab* vocab_;
  std::unique_ptr<llama_grammar, GrammarDeleter> grammar_;
  bool has_tokens_;      // the grammar names tokens, so control tokens may be drawn
  bool failed_ = false;  // nothing may follow any more: see Accept
  Utf8Check utf8_;       // where in a character the text is
};

}  // namespace medinfer
