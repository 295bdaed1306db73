// What the keywords for strings say together.
#pragma once

#include <string>
#include <vector>

#include "schema/keywords.h"
#include "schema/regex_terms.h"

namespace medinfer {

// Without lengths. Anything() where nothing is said. `bounded`: see FormatPattern. Throws SchemaError and TooLarge.
RegexTerms::Id TextLanguage(RegexTerms& terms, const Json& normal, const std::string& path, bool bounded = false);

// Lengths included. Throws SchemaError and TooLarge.
RegexTerms::Id SizedTextLanguage(RegexTerms& terms, const Json& normal, const std::string& path);

// Texts of which what stands behind, `end`, begins where they end: not before, not across their end.
RegexTerms::Id EndedBy(RegexTerms& terms, const std::string& end);

// A number of 0 or more from a normal schema. RegexTerms::kUnbounded: none is there, or one without meaning.
long CountOf(const Json& normal, const char* keyword, long otherwise);

}  // namespace medinfer
