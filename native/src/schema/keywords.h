// Which words of JSON Schema apply to what.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "schema/schema_reader.h"

namespace medinfer {

// Of a value's type; nullptr: there is no such type.
const std::vector<std::string_view>* KeywordsOf(std::string_view type);

// Whether it says nothing about values: a title, for one.
bool IsAnnotation(std::string_view keyword);

// Refuses every other keyword by name.
void AllowOnly(const Json& node, const std::vector<std::string_view>& keywords, const std::string& path);

// The type that the keywords of a schema without one are for; empty: it has none.
std::string ImpliedType(const Json& node);

bool HasType(const Json& value, std::string_view type);

// A number of 0 or more from the schema.
long CountOf(const Json& node, const char* keyword, long otherwise, const std::string& path);

}  // namespace medinfer
