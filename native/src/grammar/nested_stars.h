// Repetitions of repetitions, such as ("a"*)* or "a"**.
#pragma once

#include <llama-grammar.h>

namespace medinfer {

// Makes one repetition of those that repeat nothing else, or stand behind each other: (x*)*, (x*)+, (x*)? and x* x* are
// all x*. The texts stay the same. llama.cpp would stand at as many places at once as there are levels, and compare
// them in pairs after every character.
void CollapseNestedStars(llama_grammar_rules& rules);

}  // namespace medinfer
