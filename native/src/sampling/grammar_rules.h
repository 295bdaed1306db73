// A GBNF text as the rules that llama.cpp follows, checked for everything that would make it fail, hang or grow without
// bounds later.
#pragma once

#include <llama-grammar.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "medinfer/status.h"

struct llama_vocab;

namespace medinfer {

inline constexpr std::size_t kMaxGrammarBytes = 4U << 20U;
// Most places in the grammar at which a text may stand at once. llama.cpp compares them in pairs.
inline constexpr std::size_t kMaxStacks = 4096;

struct GrammarRules {
  llama_grammar_rules rules;
  std::uint32_t root = 0;
  bool has_tokens = false;  // it names tokens, as in <[5]> or <think>
};

// kInvalidArgument where the text is no grammar. `vocab` finds tokens by their names; null: naming one is an error.
Result<GrammarRules> ParseGrammar(const std::string& text, const llama_vocab* vocab);

// The names of the rules of which no text ever ends. No token can be named. Otherwise as above.
Result<std::vector<std::string>> EndlessRules(const std::string& text);

}  // namespace medinfer
