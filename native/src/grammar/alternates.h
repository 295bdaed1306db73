// A rule of a grammar as its alternates, and back.
#pragma once

#include <llama-grammar.h>

#include <vector>

namespace medinfer {

using Elements = std::vector<llama_grammar_element>;
using Alternates = std::vector<Elements>;

inline bool IsReference(const llama_grammar_element& element) { return element.type == LLAMA_GRETYPE_RULE_REF; }

inline Alternates AlternatesOf(const llama_grammar_rule& rule) {
  Alternates alternates(1);
  for (const llama_grammar_element& element : rule) {
    if (element.type == LLAMA_GRETYPE_END) break;
    if (element.type == LLAMA_GRETYPE_ALT) {
      alternates.emplace_back();
    } else {
      alternates.back().push_back(element);
    }
  }
  return alternates;
}

inline llama_grammar_rule RuleOf(const Alternates& alternates) {
  llama_grammar_rule rule;
  for (const Elements& alternate : alternates) {
    if (!rule.empty()) rule.push_back({LLAMA_GRETYPE_ALT, 0});
    rule.insert(rule.end(), alternate.begin(), alternate.end());
  }
  rule.push_back({LLAMA_GRETYPE_END, 0});
  return rule;
}

}  // namespace medinfer
