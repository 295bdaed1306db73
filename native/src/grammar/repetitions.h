// Repetitions of what may be empty, such as ("a"?)*.
#pragma once

#include <llama-grammar.h>

#include <vector>

namespace medinfer {

// Rewrites rules that repeat what may be empty, so that each repetition takes a character: the texts stay the same, and
// llama.cpp, which would follow the empty repetition without end, can follow them. `nullable`: by rule, whether it
// matches the empty text; rules that are added go behind. False where they would become too many.
bool RewriteEmptyRepetitions(llama_grammar_rules& rules, const std::vector<bool>& nullable);

}  // namespace medinfer
