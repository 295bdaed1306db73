// A GBNF text as the rules that llama.cpp follows, checked for everything that would make it fail, hang or grow without
// bounds later.
#pragma once

#include <llama-grammar.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "medinfer/status.h"

struct llama_vocab;

namespace medinfer {

// Most places in the grammar at which a text may stand at once. llama.cpp compares them in pairs.
inline constexpr std::size_t kMaxStacks = 4096;

struct GrammarRules {
  llama_grammar_rules rules;
  std::uint32_t root = 0;
  bool has_tokens = false;  // it names tokens, as in <[5]> or <think>
};

// kInvalidArgument where the text is no grammar. `vocab` finds tokens by their names; null: naming one is an error.
Result<GrammarRules> ParseGrammar(const std::string& text, const llama_vocab* vocab);

}  // namespace medinfer
