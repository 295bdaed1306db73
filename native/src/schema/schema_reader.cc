#include "schema/schema_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "schema/keywords.h"
#include "schema/number_range.h"
#include "schema/pattern.h"

namespace medinfer {
namespace {

constexpr int kMaxDepth = 48;  // schemas in schemas, references followed
constexpr std::size_t kMaxProperties = 200;
constexpr std::size_t kMaxName = 128;  // bytes

bool IsPlainName(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  });
}

// The parts of `node` that are about values of `type`.
Json Part(const Json& node, const std::string& type) {
  Json part = {{"type", type}};
  for (const std::string_view keyword : *KeywordsOf(type)) {
    if (node.contains(keyword)) part[std::string(keyword)] = node.at(keyword);
  }
  return part;
}

}  // namespace

Json SchemaReader::Read() {
  Json root = Node(root_, "#", 0);
  if (!defs_.empty()) root["$defs"] = defs_;
  return root;
}

Json SchemaReader::OwnRule(std::string rule) {
  rules_.push_back(std::move(rule));
  return {{"const", std::string(kRulePrefix) + std::to_string(rules_.size() - 1)}};
}

Json SchemaReader::Node(const Json& node, const std::string& path, int depth) {
  if (depth > kMaxDepth) throw SchemaError(path, "is nested too deeply: at most 48 levels");
  if (node.is_boolean() && node.get<bool>()) return Json::object();
  if (!node.is_object()) throw SchemaError(path, "must be a schema that some value satisfies: an object, or true");
  if (node.contains("$ref")) return Reference(node, path, depth);
  if (node.contains("oneOf") || node.contains("anyOf")) return Alternatives(node, path, depth);
  if (node.contains("allOf")) return AllOf(node, path, depth);
  if (node.contains("const") || node.contains("enum")) return Values(node, path);
  if (node.contains("type") && node.at("type").is_array()) return Types(node, path, depth);
  std::string type = ImpliedType(node);
  if (node.contains("type")) {
    if (!node.at("type").is_string()) throw SchemaError(path, "type must be a string or a list of strings");
    type = node.at("type").get<std::string>();
  }
  if (type.empty()) {
    AllowOnly(node, {}, path);
    return Json::object();
  }
  const auto* keywords = KeywordsOf(type);
  if (keywords == nullptr) throw SchemaError(path, "has the type " + type.substr(0, 60) + ", which is unknown");
  std::vector<std::string_view> allowed = *keywords;
  allowed.push_back("type");
  AllowOnly(node, allowed, path);
  if (type == "string") return Text(node, path);
  if (type == "number" || type == "integer") return Number(node, path, type == "integer");
  if (type == "array") return Array(node, path, depth);
  if (type == "object") return Object(node, path, depth);
  return {{"type", type}};
}

const Json& SchemaReader::Target(const std::string& reference, const std::string& path) const {
  if (reference != "#" && !reference.starts_with("#/")) {
    throw SchemaError(path, "has a $ref to another document: nothing is fetched, so only # and #/… can be resolved");
  }
  try {
    return root_.at(Json::json_pointer(reference.substr(1)));
  } catch (const Json::exception&) {
    throw SchemaError(path, "has a $ref to " + reference.substr(0, 80) + ", which is not there");
  }
}

Json SchemaReader::Reference(const Json& node, const std::string& path, int depth) {
  AllowOnly(node, {"$ref"}, path);
  if (!node.at("$ref").is_string()) throw SchemaError(path, "$ref must be a string");
  const auto reference = node.at("$ref").get<std::string>();
  const auto [found, added] = keys_.try_emplace(reference, "x7r" + std::to_string(keys_.size()) + "z");
  const std::string key = found->second;
  // The converter makes rule names of references and of properties, which can meet: definitions get names of ours.
  if (added) {
    Json target = Node(Target(reference, path), reference, depth + 1);
    defs_[key] = std::move(target);
  }
  return {{"$ref", "#/$defs/" + key}};
}

const Json& SchemaReader::Resolved(const Json& node, const std::string& path) const {
  const Json* at = &node;
  for (int i = 0; i <= kMaxDepth; ++i) {
    if (!at->is_object() || !at->contains("$ref") || !at->at("$ref").is_string()) return *at;
    at = &Target(at->at("$ref").get<std::string>(), path);
  }
  throw SchemaError(path, "has a $ref that leads back to itself");
}

Json SchemaReader::Alternatives(const Json& node, const std::string& path, int depth) {
  const char* key = node.contains("oneOf") ? "oneOf" : "anyOf";
  AllowOnly(node, {key}, path);
  const Json& given = node.at(key);
  if (!given.is_array() || given.empty()) throw SchemaError(path, std::string(key) + " must be a list of schemas");
  Json alternatives = Json::array();
  for (std::size_t i = 0; i < given.size(); ++i) {
    for (std::size_t j = 0; j < i && key[0] == 'o'; ++j) {
      if (Disjoint(given[j], given[i], path)) continue;
      throw SchemaError(path,
                        "has a oneOf of which a value could satisfy two: tell them apart by their types or by a "
                        "required property with a const, or use anyOf");
    }
    alternatives.push_back(Node(given[i], path + "/" + key + "/" + std::to_string(i), depth + 1));
  }
  return {{"anyOf", alternatives}};
}

Json SchemaReader::Values(const Json& node, const std::string& path) const {
  const char* key = node.contains("const") ? "const" : "enum";
  AllowOnly(node, {key, "type"}, path);
  const Json values = key[0] == 'c' ? Json::array({node.at("const")}) : node.at("enum");
  if (!values.is_array() || values.empty()) throw SchemaError(path, "enum must be a list that is not empty");
  if (node.contains("type")) {
    const Json types = node.at("type").is_array() ? node.at("type") : Json::array({node.at("type")});
    for (const Json& value : values) {
      const bool fits = std::any_of(types.begin(), types.end(), [&](const Json& type) {
        return type.is_string() && HasType(value, type.get_ref<const std::string&>());
      });
      if (!fits) throw SchemaError(path, std::string(key) + " holds a value that is not of the type");
    }
  }
  return {{"enum", values}};
}

Json SchemaReader::Types(const Json& node, const std::string& path, int depth) {
  std::vector<std::string_view> allowed = {"type"};
  Json alternatives = Json::array();
  std::vector<std::string> types;
  for (const Json& type : node.at("type")) {
    const auto name = type.is_string() ? type.get<std::string>() : std::string();
    const auto* keywords = KeywordsOf(name);
    if (keywords == nullptr) throw SchemaError(path, "type must be a string or a list of strings that name types");
    allowed.insert(allowed.end(), keywords->begin(), keywords->end());
    types.push_back(name);
  }
  AllowOnly(node, allowed, path);
  for (const std::string& type : types) alternatives.push_back(Node(Part(node, type), path, depth + 1));
  if (alternatives.empty()) throw SchemaError(path, "type must not be empty");
  return {{"anyOf", alternatives}};
}

// Objects whose properties are different ones become one object.
Json SchemaReader::AllOf(const Json& node, const std::string& path, int depth) {
  AllowOnly(node, {"allOf", "type", "properties", "required"}, path);
  if (!node.at("allOf").is_array() || node.at("allOf").empty()) throw SchemaError(path, "allOf must be a list");
  std::vector<Json> parts;
  Json own = node;
  own.erase("allOf");
  if (own.contains("type") || own.contains("properties") || own.contains("required")) parts.push_back(own);
  for (const Json& part : node.at("allOf")) parts.push_back(part.is_object() ? Resolved(part, path) : part);
  if (parts.size() == 1) return Node(node.at("allOf").at(0), path + "/allOf/0", depth + 1);
  Json merged = {{"type", "object"}, {"properties", Json::object()}, {"required", Json::array()}};
  for (const Json& part : parts) {
    if (!part.is_object() || (part.contains("type") && part.at("type") != "object")) {
      throw SchemaError(path, "has an allOf of schemas that are not all for objects");
    }
    AllowOnly(part, {"type", "properties", "required"}, path + "/allOf");
    const Json properties = part.value("properties", Json::object());
    for (const auto& [name, property] : properties.items()) {
      if (merged["properties"].contains(name)) {
        throw SchemaError(path, "has an allOf that describes the property " + name.substr(0, 60) + " twice");
      }
      merged["properties"][name] = property;
    }
    for (const Json& name : part.value("required", Json::array())) merged["required"].push_back(name);
  }
  return Node(merged, path, depth + 1);
}

Json SchemaReader::Text(const Json& node, const std::string& path) {
  const long least = CountOf(node, "minLength", 0, path);
  const long most = CountOf(node, "maxLength", -1, path);
  if (most >= 0 && most < least) throw SchemaError(path, "maxLength is less than minLength");
  const bool sized = least > 0 || most >= 0;
  const bool formatted = node.contains("format");
  if (node.contains("pattern")) {
    if (sized || formatted)
      throw SchemaError(path, "has a pattern: minLength, maxLength and format can not be kept beside it");
    if (!node.at("pattern").is_string()) throw SchemaError(path, "pattern must be a string");
    auto rule = PatternRule(node.at("pattern").get<std::string>());
    if (!rule.ok()) throw SchemaError(path, "pattern " + rule.status().message());
    return OwnRule(rule.value());
  }
  Json text = {{"type", "string"}};
  if (formatted) {
    const Json& format = node.at("format");
    if (format != "date" && format != "time" && format != "date-time" && format != "uuid") {
      throw SchemaError(path, "format can only be date, time, date-time or uuid: use a pattern for others");
    }
    if (sized) throw SchemaError(path, "has a format: minLength and maxLength can not be kept beside it");
    text["format"] = format;
  }
  if (least > 0) text["minLength"] = least;
  if (most >= 0) text["maxLength"] = most;
  return text;
}

Json SchemaReader::Number(const Json& node, const std::string& path, bool integer) {
  std::optional<NumberBound> bounds[2];
  const char* names[2][2] = {{"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}};
  for (int side = 0; side < 2; ++side) {
    for (const bool exclusive : {false, true}) {
      const char* name = names[side][exclusive ? 1 : 0];
      if (!node.contains(name)) continue;
      if (!node.at(name).is_number()) throw SchemaError(path, std::string(name) + " must be a number");
      if (bounds[side]) throw SchemaError(path, std::string("has two bounds on one side: leave out ") + name);
      bounds[side] = NumberBound{node.at(name).dump(), exclusive};
    }
  }
  if (!bounds[0] && !bounds[1]) return {{"type", integer ? "integer" : "number"}};
  auto rule = NumberRangeRule(bounds[0], bounds[1], integer);
  if (!rule.ok()) throw SchemaError(path, "has a bound that can not be kept: it " + rule.status().message());
  return OwnRule(rule.value());
}

Json SchemaReader::Array(const Json& node, const std::string& path, int depth) {
  const long least = CountOf(node, "minItems", 0, path);
  const long most = CountOf(node, "maxItems", -1, path);
  if (most >= 0 && most < least) throw SchemaError(path, "maxItems is less than minItems");
  if (node.contains("uniqueItems") && node.at("uniqueItems") != false) {
    throw SchemaError(path, "has uniqueItems, which can not be kept: leave it out");
  }
  Json array = {{"type", "array"}};
  const bool listed = node.contains("items") && node.at("items").is_array();
  if (node.contains("prefixItems") || listed) {
    const Json& items = node.at(listed ? "items" : "prefixItems");
    const bool more = !listed && node.contains("items") && node.at("items") != false;
    if (!items.is_array() || items.empty() || more || (listed && node.contains("prefixItems"))) {
      throw SchemaError(path, "can only have prefixItems as a list that is not empty, without items beside them");
    }
    const auto size = static_cast<long>(items.size());
    if (least > size || (most >= 0 && most < size)) {
      throw SchemaError(path, "has prefixItems: exactly these items are written, which minItems or maxItems forbid");
    }
    Json tuple = Json::array();
    for (const Json& item : items) {
      tuple.push_back(Node(item, path + "/prefixItems/" + std::to_string(tuple.size()), depth + 1));
    }
    array["prefixItems"] = tuple;
    return array;
  }
  if (node.contains("items")) array["items"] = Node(node.at("items"), path + "/items", depth + 1);
  if (least > 0) array["minItems"] = least;
  if (most >= 0) array["maxItems"] = most;
  return array;
}

Json SchemaReader::Object(const Json& node, const std::string& path, int depth) {
  const Json given = node.value("properties", Json::object());
  if (!given.is_object()) throw SchemaError(path, "properties must be an object");
  if (given.size() > kMaxProperties) throw SchemaError(path, "has more than 200 properties");
  const Json required = node.value("required", Json::array());
  if (!required.is_array()) throw SchemaError(path, "required must be a list of names");
  const Json more = node.value("additionalProperties", Json(given.empty() && !node.contains("properties")));
  const bool open = more != false;
  Json properties = Json::object();
  const std::string inside = path + "/properties/";
  for (const auto& [name, property] : given.items()) {
    if (name.size() > kMaxName) throw SchemaError(path, "has a property whose name is longer than 128 bytes");
    if (open && !IsPlainName(name)) {
      throw SchemaError(path, "has additionalProperties: names of properties can only have letters, digits and _ then");
    }
    properties[name] = Node(property, std::string(inside).append(name), depth + 1);
  }
  for (const Json& name : required) {
    if (!name.is_string() || !given.contains(name.get<std::string>())) {
      throw SchemaError(path, "required names a property that properties do not describe");
    }
  }
  Json object = {{"type", "object"}, {"properties", properties}, {"required", required}};
  if (open)
    object["additionalProperties"] = more == true ? more : Node(more, path + "/additionalProperties", depth + 1);
  if (!open) object["additionalProperties"] = false;
  return object;
}

}  // namespace medinfer
