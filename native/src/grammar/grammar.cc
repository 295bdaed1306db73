#include "grammar/grammar.h"

#include <llama-grammar.h>
#include <llama-vocab.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "grammar/literals.h"
#include "grammar/rules.h"
#include "text/char_set.h"

namespace medinfer {
namespace {

// Adds rules for up to `most` blanks, and returns the one that stands for all of them. REQUIRES: most > 0.
std::uint32_t AddBlanks(llama_grammar_rules& rules, std::uint32_t most) {
  for (std::uint32_t i = 0; i < most; ++i) {
    llama_grammar_rule rule{{LLAMA_GRETYPE_CHAR, ' '},
                            {LLAMA_GRETYPE_CHAR_ALT, '\t'},
                            {LLAMA_GRETYPE_CHAR_ALT, '\n'},
                            {LLAMA_GRETYPE_CHAR_ALT, '\r'}};
    if (i > 0) rule.push_back({LLAMA_GRETYPE_RULE_REF, static_cast<std::uint32_t>(rules.size() - 1)});
    rule.insert(rule.end(), {{LLAMA_GRETYPE_ALT, 0}, {LLAMA_GRETYPE_END, 0}});
    rules.push_back(std::move(rule));
  }
  return static_cast<std::uint32_t>(rules.size() - 1);
}

// The characters of a text as llama.cpp follows them: behind the last stands a 0, and what an unfinished character has
// so far apart from them. REQUIRES: the text is UTF-8, but for its end.
std::pair<std::vector<std::uint32_t>, llama_partial_utf8> Decode(std::string_view text) {
  std::vector<std::uint32_t> characters;
  llama_partial_utf8 partial{0, 0};
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (partial.n_remain > 0) {
      partial.value = (partial.value << 6U) | (byte & 0x3FU);
      --partial.n_remain;
    } else {
      partial.n_remain = byte < 0x80 ? 0 : byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
      partial.value = byte < 0x80 ? byte : byte & (0x3FU >> static_cast<unsigned>(partial.n_remain));
    }
    if (partial.n_remain == 0) characters.push_back(std::exchange(partial.value, 0U));
  }
  characters.push_back(0);
  return {std::move(characters), partial};
}

// The one character that may come next; nothing: there are several, or none has to.
std::optional<std::uint32_t> OnlyCharacter(const llama_grammar_stacks& stacks) {
  std::optional<std::uint32_t> only;
  for (const llama_grammar_stack& stack : stacks) {
    if (stack.empty()) return std::nullopt;
    const llama_grammar_element* next = stack.back();
    const llama_gretype behind = next[1].type;
    const bool one =
        next->type == LLAMA_GRETYPE_CHAR && behind != LLAMA_GRETYPE_CHAR_RNG_UPPER && behind != LLAMA_GRETYPE_CHAR_ALT;
    if (!one || (only && *only != next->value)) return std::nullopt;
    only = next->value;
  }
  return only;
}

bool NamesToken(const llama_grammar_stack& stack, std::int32_t token) {
  if (stack.empty()) return false;
  const llama_grammar_element& next = *stack.back();
  if (next.type == LLAMA_GRETYPE_TOKEN) return next.value == static_cast<std::uint32_t>(token);
  return next.type == LLAMA_GRETYPE_TOKEN_NOT && next.value != static_cast<std::uint32_t>(token);
}

}  // namespace

void GrammarConstraint::GrammarDeleter::operator()(llama_grammar* grammar) const { llama_grammar_free_impl(grammar); }

Result<std::unique_ptr<GrammarConstraint>> GrammarConstraint::Create(const llama_vocab* vocab,
                                                                     const std::string& grammar,
                                                                     std::uint32_t max_blanks) {
  auto parsed = ParseGrammar(grammar, vocab);
  if (!parsed.ok()) return parsed.status();
  GrammarRules& rules = parsed.value();
  // llama_grammar_init_impl would look for left recursion in its own way, which takes exponential time on some grammars
  // and misses some recursion. So its result is made by hand: behind a rule "\1 root", whose first character is taken
  // already, stand the same stacks as it would make.
  constexpr std::uint32_t kEntry = 1;
  std::vector<std::int32_t> written = WrittenControlTokens(rules.rules, *vocab);
  llama_grammar_rule begin{{LLAMA_GRETYPE_CHAR, kEntry}};
  if (max_blanks > 0) begin.push_back({LLAMA_GRETYPE_RULE_REF, AddBlanks(rules.rules, max_blanks)});
  begin.insert(begin.end(), {{LLAMA_GRETYPE_RULE_REF, rules.root}, {LLAMA_GRETYPE_END, 0}});
  const std::size_t entry = rules.rules.size();
  rules.rules.push_back(std::move(begin));
  std::unique_ptr<llama_grammar, GrammarDeleter> state(
      new llama_grammar{vocab, std::move(rules.rules), {}, {}, false, false, "", {}, {}, {}});
  state->stacks.push_back({state->rules[entry].data()});
  llama_grammar_accept(state.get(), kEntry);
  std::unique_ptr<GrammarConstraint> made(new GrammarConstraint(vocab, std::move(state)));
  made->written_ = std::move(written);
  return made;
}

GrammarConstraint::GrammarConstraint(const llama_vocab* vocab, std::unique_ptr<llama_grammar, GrammarDeleter> grammar)
    : vocab_(vocab), grammar_(std::move(grammar)) {}

GrammarConstraint::~GrammarConstraint() = default;

std::unique_ptr<GrammarConstraint> GrammarConstraint::Copy() const {
  std::unique_ptr<llama_grammar, GrammarDeleter> state(llama_grammar_clone_impl(*grammar_));
  std::unique_ptr<GrammarConstraint> clone(new GrammarConstraint(vocab_, std::move(state)));
  clone->written_ = written_;
  clone->shortest_ = shortest_;
  clone->filler_ = filler_;
  clone->failed_ = failed_;
  clone->lost_ = lost_;
  clone->utf8_ = utf8_;
  return clone;
}

// llama.cpp decodes UTF-8 leniently: it would let an overlong or a surrogate character pass as the one it stands for,
// which the user then sees as three replacement characters. And it matches a control token by its text, wherever that
// fits: "[^]]" would let every one of them come, which would stay unseen.
bool GrammarConstraint::Admissible(std::int32_t token) const {
  if (vocab_->is_eog(token)) return true;
  if (vocab_->is_control(token) && !Writes(token) && !NamesNext(token)) return false;
  Utf8Check utf8 = utf8_;
  return utf8.Push(vocab_->token_to_piece(token));
}

void GrammarConstraint::FindShortest(char filler) {
  shortest_ = std::make_shared<const ShortestTexts>(grammar_->rules);
  filler_ = filler;
}

// Where the shortest end is; null: none is known.
const llama_grammar_stack* GrammarConstraint::ShortestStack() const {
  if (failed_ || shortest_ == nullptr || grammar_->partial_utf8.n_remain != 0) return nullptr;
  const llama_grammar_stack* shortest = nullptr;
  std::optional<std::uint64_t> least;
  for (const llama_grammar_stack& stack : grammar_->stacks) {
    const auto size = shortest_->SizeOf(stack);
    if (!size || (least && *least <= *size)) continue;
    least = size;
    shortest = &stack;
  }
  return shortest;
}

std::optional<std::uint64_t> GrammarConstraint::ClosingSize() const {
  const llama_grammar_stack* stack = ShortestStack();
  return stack == nullptr ? std::nullopt : shortest_->SizeOf(*stack);
}

std::optional<std::string> GrammarConstraint::Closing() const {
  const llama_grammar_stack* stack = ShortestStack();
  if (stack == nullptr || *shortest_->SizeOf(*stack) > kMostClosing) return std::nullopt;
  return shortest_->Of(grammar_->rules, *stack, filler_);
}

bool GrammarConstraint::Writes(std::int32_t token) const { return std::ranges::binary_search(written_, token); }

// Whether the grammar takes the token as such here, as in <[5]>.
bool GrammarConstraint::NamesNext(std::int32_t token) const {
  return std::ranges::any_of(grammar_->stacks, [token](const auto& stack) { return NamesToken(stack, token); });
}

void GrammarConstraint::Apply(llama_token_data_array& candidates) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  if (failed_) {
    for (std::size_t i = 0; i < candidates.size; ++i) candidates.data[i].logit = kNever;
    return;
  }
  try {
    llama_grammar_apply_impl(*grammar_, &candidates);
  } catch (const std::exception&) {
    failed_ = lost_ = true;
    return Apply(candidates);
  }
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
  if (vocab_->is_control(token) && !Writes(token)) {
    std::erase_if(grammar_->stacks, [token](const auto& stack) { return !NamesToken(stack, token); });
  }
  try {
    utf8_.Push(piece);
    llama_grammar_accept_token(*grammar_, token, piece);
    failed_ = lost_ = grammar_->stacks.size() > kMaxStacks;
  } catch (const std::exception&) {
    failed_ = true;
  }
}

bool GrammarConstraint::Admits(std::string_view text) const {
  if (text.empty()) return true;
  Utf8Check utf8 = utf8_;
  if (failed_ || !utf8.Push(text)) return false;
  const auto [characters, partial] = Decode(text);
  const llama_grammar_candidates whole{{0, characters.data(), partial, LLAMA_TOKEN_NULL}};
  try {
    return std::ranges::any_of(grammar_->stacks, [&](const llama_grammar_stack& stack) {
      return llama_grammar_reject_candidates_for_stack(grammar_->rules, stack, whole).empty();
    });
  } catch (const std::exception&) {
    return false;  // too many ways to go on
  }
}

void GrammarConstraint::Append(std::string_view text) {
  if (failed_ || text.empty()) return;
  try {
    utf8_.Push(text);
    llama_grammar_accept_str(*grammar_, std::string(text));
    failed_ = lost_ = grammar_->stacks.size() > kMaxStacks;
  } catch (const std::exception&) {
    failed_ = true;
  }
}

// On the grammar's own state, which then stands where it stood: a copy of it would hold a copy of all rules.
std::string GrammarConstraint::Forced(std::size_t most) const {
  std::string text;
  if (failed_ || grammar_->partial_utf8.n_remain != 0 || !OnlyCharacter(grammar_->stacks)) return text;
  const llama_grammar_stacks here = grammar_->stacks;
  try {
    while (text.size() < most) {
      const auto next = OnlyCharacter(grammar_->stacks);
      if (!next) break;
      AppendUtf8(text, *next);
      llama_grammar_accept(grammar_.get(), *next);
    }
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): too many ways to go on, behind what is found
  }
  grammar_->stacks = here;
  return text;
}

bool GrammarConstraint::ended() const {
  return !failed_ && std::all_of(grammar_->stacks.begin(), grammar_->stacks.end(),
                                 [](const llama_grammar_stack& stack) { return stack.empty(); });
}

}  // namespace medinfer
