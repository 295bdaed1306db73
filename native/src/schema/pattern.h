// A regular expression as a GBNF rule for a JSON string whose value matches it. llama.cpp's converter would let quotes
// and backslashes into the string as they are, and takes any string where it does not understand the expression.
#pragma once

#include <string>

#include "medinfer/status.h"

namespace medinfer {

// The right side of a rule, quotes of the JSON string included. Known: literals, ., classes, \d \w \s, groups, |, and
// the quantifiers; the expression stands between ^ and $. Characters that JSON writes with a backslash are left out of
// what "." and classes match; as a literal they are written with one. kInvalidArgument for all else.
Result<std::string> PatternRule(const std::string& pattern);

}  // namespace medinfer
