// What the literals of a grammar say of control tokens.
#pragma once

#include <llama-grammar.h>

#include <cstdint>
#include <vector>

struct llama_vocab;

namespace medinfer {

// The control tokens whose texts stand in a literal of the grammar, such as "[THINK]", sorted: a literal that holds one
// means it, and a model says it as the token.
std::vector<std::int32_t> WrittenControlTokens(const llama_grammar_rules& rules, const llama_vocab& vocab);

}  // namespace medinfer
