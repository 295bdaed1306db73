#include "sampling/grammar.h"

#include <llama-grammar.h>
#include <llama-vocab.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>
#include <vector>

#include "sampling/grammar_rules.h"

namespace medinfer {

void GrammarConstraint::GrammarDeleter::operator()(llama_grammar* grammar) const { llama_grammar_free_impl(grammar); }

Result<std::unique_ptr<GrammarConstraint>> GrammarConstraint::Create(const llama_vocab* vocab,
                                                                     const std::string& grammar) {
  auto parsed = ParseGrammar(grammar, vocab);
  if (!parsed.ok()) return parsed.status();
  GrammarRules& rules = parsed.value();
  // llama_grammar_init_impl would look for left recursion in its own way, which takes exponential time on some grammars
  // and misses some recursion. So its result is made by hand: behind a rule "\1 root", whose first character is taken
  // already, stand the same stacks as it would make.
  constexpr std::uint32_t kEntry = 1;
  const std::size_t entry = rules.rules.size();
  rules.rules.push_back({{LLAMA_GRETYPE_CHAR, kEntry}, {LLAMA_GRETYPE_RULE_REF, rules.root}, {LLAMA_GRETYPE_END, 0}});
  std::unique_ptr<llama_grammar, GrammarDeleter> state(
      new llama_grammar{vocab, std::move(rules.rules), {}, {}, false, false, "", {}, {}, {}});
  state->stacks.push_back({state->rules[entry].data()});
  llama_grammar_accept(state.get(), kEntry);
  return std::unique_ptr<GrammarConstraint>(new GrammarConstraint(vocab, std::move(state), rules.has_tokens));
}

GrammarConstraint::GrammarConstraint(const llama_vocab* vocab, std::unique_ptr<llama_grammar, GrammarDeleter> grammar,
                                     bool has_tokens)
    : vocab_(vocab), grammar_(std::move(grammar)), has_tokens_(has_tokens) {}

GrammarConstraint::~GrammarConstraint() = default;

std::unique_ptr<GrammarConstraint> GrammarConstraint::Clone() const {
  std::unique_ptr<llama_grammar, GrammarDeleter> state(llama_grammar_clone_impl(*grammar_));
  std::unique_ptr<GrammarConstraint> clone(new GrammarConstraint(vocab_, std::move(state), has_tokens_));
  clone->failed_ = failed_;
  clone->utf8_ = utf8_;
  return clone;
}

// llama.cpp decodes UTF-8 leniently: it would let an overlong or a surrogate character pass as the one it stands for,
// which the user then sees as three replacement characters. And it matches a control token by its name, which does not
// appear in the text.
bool GrammarConstraint::Admissible(std::int32_t token) const {
  if (vocab_->is_eog(token)) return true;
  if (!has_tokens_ && llama_vocab_is_control(vocab_, token)) return false;
  Utf8Check utf8 = utf8_;
  return utf8.Push(vocab_->token_to_piece(token));
}

void GrammarConstraint::Apply(llama_token_data_array& candidates) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  if (failed_) {
    for (std::size_t i = 0; i < candidates.size; ++i) candidates.data[i].logit = kNever;
    return;
  }
  llama_grammar_apply_impl(*grammar_, &candidates);
  for (std::size_t i = 0; i < candidates.size; ++i) {
    llama_token_data& candidate = candidates.data[i];
    if (candidate.logit != kNever && !Admissible(candidate.id)) candidate.logit = kNever;
  }
}

// llama_grammar_accept_impl ends the process on an end of generation that the grammar does not allow, and throws on any
// other token that it does not.
void GrammarConstraint::Accept(std::int32_t token) {
  if (failed_ || vocab_->is_eog(token)) return;
  const std::string& piece = vocab_->token_to_piece(token);
  try {
    utf8_.Push(piece);
    llama_grammar_accept_token(*grammar_, token, piece);
    failed_ = grammar_->stacks.size() > kMaxStacks;
  } catch (const std::exception&) {
    failed_ = true;
  }
}

bool GrammarConstraint::ended() const {
  return !failed_ && std::all_of(grammar_->stacks.begin(), grammar_->stacks.end(),
                                 [](const llama_grammar_stack& stack) { return stack.empty(); });
}

}  // namespace medinfer
