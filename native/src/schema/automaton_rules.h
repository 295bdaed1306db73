// An automaton as rules of a grammar. They are never ambiguous: after any text, the grammar stands at one place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "schema/automaton.h"
#include "schema/rule_book.h"

namespace medinfer {

enum class Writing : std::uint8_t {
  kPlain,       // characters as they are
  kJsonString,  // as inside the quotes of a JSON string, each character in one way only
};

// The name of the rule for what the automaton takes. REQUIRES: !automaton.empty()
std::string AddAutomaton(RuleBook& book, std::string_view hint, const Automaton& automaton, Writing writing);

// One character of the set, as a symbol that can be repeated. REQUIRES: it is not empty.
std::string CharSymbol(RuleBook& book, const CharSet& set, Writing writing);

}  // namespace medinfer
