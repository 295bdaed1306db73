// Whether two alternatives of a oneOf exclude each other. The converter takes a oneOf for an anyOf.
#include <algorithm>
#include <set>
#include <string>

#include "schema/keywords.h"
#include "schema/schema_reader.h"

namespace medinfer {
namespace {

// The values of a const or an enum; null: it is neither.
Json ValuesOf(const Json& node) {
  if (node.contains("const")) return Json::array({node.at("const")});
  return node.value("enum", Json());
}

std::set<std::string> TypesOf(const Json& node) {
  std::set<std::string> types;
  const Json given = node.value("type", Json(nullptr));
  for (const Json& type : given.is_array() ? given : Json::array({given})) {
    // An integer is a number too.
    if (type.is_string()) types.insert(type == "integer" ? "number" : type.get<std::string>());
  }
  if (const Json values = ValuesOf(node); values.is_array()) {
    types.clear();
    for (const Json& value : values) types.insert(value.is_number() ? "number" : value.type_name());
  }
  return types;
}

bool Requires(const Json& node, const std::string& name) {
  const Json required = node.value("required", Json::array());
  return std::find(required.begin(), required.end(), Json(name)) != required.end();
}

}  // namespace

bool SchemaReader::Disjoint(const Json& first, const Json& second, const std::string& path) const {
  const Json& a = Resolved(first, path);
  const Json& b = Resolved(second, path);
  if (!a.is_object() || !b.is_object()) return false;
  const std::set<std::string> a_types = TypesOf(a);
  const std::set<std::string> b_types = TypesOf(b);
  const bool shared =
      std::any_of(a_types.begin(), a_types.end(), [&](const auto& type) { return b_types.contains(type); });
  if (!a_types.empty() && !b_types.empty() && !shared) return true;
  const Json a_values = ValuesOf(a);
  const Json b_values = ValuesOf(b);
  if (a_values.is_array() && b_values.is_array()) {
    return std::none_of(a_values.begin(), a_values.end(), [&](const Json& value) {
      return std::find(b_values.begin(), b_values.end(), value) != b_values.end();
    });
  }
  const auto is_object = [](const std::set<std::string>& types) { return types == std::set<std::string>{"object"}; };
  if (!is_object(a_types) || !is_object(b_types)) return false;
  const Json a_properties = a.value("properties", Json::object());
  const Json b_properties = b.value("properties", Json::object());
  for (const auto& [name, property] : a_properties.items()) {
    if (!Requires(a, name) || !Requires(b, name) || !b_properties.contains(name)) continue;
    if (!ValuesOf(Resolved(property, path)).is_array()) continue;
    if (Disjoint(property, b_properties.at(name), path)) return true;
  }
  return false;
}

}  // namespace medinfer
