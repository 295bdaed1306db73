// Keeps the drawn tokens to a GBNF grammar. Works on llama.cpp's own grammar state rather than on its sampler, because
// the sampler hides whether a text is complete, aborts the process on a bad token and writes to stderr.
// Not thread-safe: made on any thread, then belongs to the engine thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "grammar/shortest_texts.h"
#include "grammar/token_constraint.h"
#include "medinfer/status.h"

struct llama_grammar;
struct llama_vocab;

namespace medinfer {

class GrammarConstraint final : public TokenConstraint {
 public:
  // kInvalidArgument where the grammar is wrong, or too costly to follow. `max_blanks`: so much white space may stand
  // before what the grammar says. `vocab` outlives the constraint.
  static Result<std::unique_ptr<GrammarConstraint>> Create(const llama_vocab* vocab, const std::string& grammar,
                                                           std::uint32_t max_blanks = 0);
  ~GrammarConstraint() override;

  std::unique_ptr<GrammarConstraint> Copy() const;
  std::unique_ptr<TokenConstraint> Clone() const override { return Copy(); }
  GrammarConstraint(const GrammarConstraint&) = delete;
  GrammarConstraint& operator=(const GrammarConstraint&) = delete;

  // From here on Closing() tells the shortest end, but for the middle of a character. `filler`: an ASCII character, the
  // one to be written where any may be.
  void FindShortest(char filler);

  void Apply(llama_token_data_array& candidates) override;
  void Accept(std::int32_t token) override;

  bool ended() const override;
  std::optional<std::string> Closing() const override;
  std::optional<std::uint64_t> ClosingSize() const override;
  std::string Forced(std::size_t most) const override;
  bool lost() const override { return lost_; }
  // A control token comes where the grammar says its text.
  bool Writes(std::int32_t token) const override;

  // Whether the text may go on with this, which is no token's, and that it does.
  bool Admits(std::string_view text) const;
  void Append(std::string_view text);

 private:
  struct GrammarDeleter {
    void operator()(llama_grammar* grammar) const;
  };

  GrammarConstraint(const llama_vocab* vocab, std::unique_ptr<llama_grammar, GrammarDeleter> grammar);
  bool Admissible(std::int32_t token) const;
  bool NamesNext(std::int32_t token) const;
  const llama_grammar_stack* ShortestStack() const;

  const llama_vocab* vocab_;
  std::unique_ptr<llama_grammar, GrammarDeleter> grammar_;
  std::vector<std::int32_t> written_;              // control tokens whose texts the grammar says, sorted
  bool failed_ = false;                            // nothing may follow any more: see Accept
  bool lost_ = false;                              // for that reason
  std::shared_ptr<const ShortestTexts> shortest_;  // null: FindShortest() was not called
  char filler_ = ' ';
  Utf8Check utf8_;  // where in a character the text is
};

}  // namespace medinfer
