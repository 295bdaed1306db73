#include "schema/keywords.h"

#include <algorithm>
#include <array>
#include <map>

namespace medinfer {
namespace {

constexpr long kMaxCount = 2000;  // llama.cpp takes a larger maximum for none

using Words = std::vector<std::string_view>;

const std::map<std::string_view, Words>& Types() {
  static const Words numbers = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};
  static const std::map<std::string_view, Words> types = {
      {"string", {"minLength", "maxLength", "pattern", "format"}},
      {"number", numbers},
      {"integer", numbers},
      {"array", {"items", "prefixItems", "minItems", "maxItems", "uniqueItems"}},
      {"object", {"properties", "required", "additionalProperties"}},
      {"boolean", {}},
      {"null", {}},
  };
  return types;
}

bool Contains(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

const std::vector<std::string_view>* KeywordsOf(std::string_view type) {
  const auto found = Types().find(type);
  return found == Types().end() ? nullptr : &found->second;
}

bool IsAnnotation(std::string_view keyword) {
  static const Words annotations = {"title",     "description", "default",     "examples",   "example",    "$comment",
                                    "$schema",   "$id",         "id",          "$anchor",    "deprecated", "readOnly",
                                    "writeOnly", "$defs",       "definitions", "$vocabulary"};
  return keyword.starts_with("x-") || Contains(annotations, keyword);
}

void AllowOnly(const Json& node, const std::vector<std::string_view>& keywords, const std::string& path) {
  for (const auto& [key, value] : node.items()) {
    if (IsAnnotation(key) || Contains(keywords, key)) continue;
    const std::string shown = key.substr(0, 60);
    throw SchemaError(path, "has the keyword " + shown + ", which can not be kept here: leave it out");
  }
}

std::string ImpliedType(const Json& node) {
  for (const std::string_view type : {"object", "array", "string", "number"}) {
    for (const std::string_view keyword : *KeywordsOf(type)) {
      if (node.contains(keyword)) return std::string(type);
    }
  }
  return {};
}

bool HasType(const Json& value, std::string_view type) {
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  return type == "array" ? value.is_array() : type == "object" && value.is_object();
}

long CountOf(const Json& node, const char* keyword, long otherwise, const std::string& path) {
  const auto found = node.find(keyword);
  if (found == node.end()) return otherwise;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() > kMaxCount) {
    throw SchemaError(path, std::string(keyword) + " must be an integer from 0 to 2000");
  }
  return found->get<long>();
}

}  // namespace medinfer
