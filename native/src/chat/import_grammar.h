// A whole grammar as a part of another.
#pragma once

#include <string>

#include "schema/rule_book.h"

namespace medinfer {

// Adds the rules of a grammar that a RuleBook wrote, under names that are free, and returns that of its root.
std::string ImportGrammar(RuleBook& book, const std::string& grammar);

}  // namespace medinfer
