// Regular expressions of ECMAScript, as JSON Schema's "pattern" has them, as languages of whole texts.
#pragma once

#include <string>

#include "medinfer/status.h"
#include "schema/regex_terms.h"

namespace medinfer {

// The texts in which `pattern` matches somewhere, as with the flag u. Known: literals, ., classes, \d \w \s and their
// opposites, \n \t \r \xHH \uHHHH \u{…}, groups, |, quantifiers, ^, $, lookahead. kInvalidArgument, with a message that
// goes on from "pattern", where it has something else. Throws TooLarge.
Result<RegexTerms::Id> ParsePattern(RegexTerms& terms, const std::string& pattern);

// Whether a language holds the text.
bool Matches(RegexTerms& terms, RegexTerms::Id term, const std::string& text);

}  // namespace medinfer
