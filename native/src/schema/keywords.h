// The words of JSON Schema.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace medinfer {

using Json = nlohmann::ordered_json;

// The keywords that are about values of a type; nullptr: there is no such type.
const std::vector<std::string_view>* KeywordsOf(std::string_view type);

// Whether it says nothing about values: a title, for one.
bool IsAnnotation(std::string_view keyword);

// Whether it is kept.
bool IsKept(std::string_view keyword);

bool HasType(const Json& value, std::string_view type);

}  // namespace medinfer
