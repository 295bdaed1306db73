#include "schema/keywords.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace medinfer {
namespace {

using Words = std::vector<std::string_view>;

const std::map<std::string_view, Words>& Types() {
  static const Words numbers = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"};
  static const std::map<std::string_view, Words> types = {
      {"string", {"minLength", "maxLength", "pattern", "format"}},
      {"number", numbers},
      {"integer", numbers},
      {"array", {"items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems"}},
      {"object",
       {"properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties",
        "maxProperties", "unevaluatedProperties"}},
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
  static const Words annotations = {
      "title",     "description",  "default",     "examples",        "example",          "$comment",
      "$schema",   "$id",          "id",          "$anchor",         "deprecated",       "readOnly",
      "writeOnly", "$defs",        "definitions", "$vocabulary",     "discriminator",    "$dynamicAnchor",
      "xml",       "externalDocs", "enumNames",   "contentEncoding", "contentMediaType", "contentSchema"};
  return keyword.starts_with("x-") || Contains(annotations, keyword);
}

bool IsKept(std::string_view keyword) {
  static const Words others = {"type",  "enum",  "const", "$ref", "$dynamicRef",
                               "allOf", "anyOf", "oneOf", "not",  "nullable"};
  return Contains(others, keyword) ||
         std::any_of(Types().begin(), Types().end(), [&](const auto& type) { return Contains(type.second, keyword); });
}

bool HasType(const Json& value, std::string_view type) {
  if (type == "string") return value.is_string();
  if (type == "integer") {
    return value.is_number_integer() || (value.is_number() && std::trunc(value.get<double>()) == value.get<double>());
  }
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  return type == "array" ? value.is_array() : type == "object" && value.is_object();
}

}  // namespace medinfer
