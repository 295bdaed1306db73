#include "schema/normal_schema.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "schema/number_language.h"
#include "schema/pattern.h"
#include "schema/references.h"
#include "schema/text_language.h"

namespace medinfer {
namespace {

constexpr int kMaxDepth = 60;             // $ref and allOf in each other
constexpr long kMaxSteps = 1000000;       // values in schemas that are put together
constexpr std::size_t kMaxProduct = 256;  // alternatives of several anyOf
constexpr double kMaxCount = 9007199254740991;

constexpr std::array<const char*, 6> kCounts = {"minLength", "maxLength",     "minItems",
                                                "maxItems",  "minProperties", "maxProperties"};
constexpr std::array<const char*, 4> kBounds = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};

bool IsLowerBound(std::string_view keyword) {
  return keyword == "minimum" || keyword == "exclusiveMinimum" || keyword.starts_with("min");
}

bool Has(const Json& list, const Json& value) { return std::find(list.begin(), list.end(), value) != list.end(); }

// A schema that says what both say. Never one list in another: they would nest as deeply as there are parts.
Json All(const Json& a, const Json& b) {
  if (a == b || b == true) return a;
  if (a == true) return b;
  Json parts = Json::array();
  for (const Json* each : {&a, &b}) {
    const bool list = each->is_object() && each->size() == 1 && each->contains("allOf") && each->at("allOf").is_array();
    for (const Json& part : list ? each->at("allOf") : Json::array({*each})) {
      if (!Has(parts, part)) parts.push_back(part);
    }
  }
  return Json::object({{"allOf", std::move(parts)}});
}

// Values in each other, all counted.
long SizeOf(const Json& node) {
  long size = 1;
  if (node.is_structured()) {
    for (const Json& inner : node) size += SizeOf(inner);
  }
  return size;
}

void NormalizeType(Json& node, bool nullable, const std::string& path) {
  if (!node.contains("type")) return;
  const Json given = node["type"].is_array() ? node["type"] : Json::array({node["type"]});
  if (given.empty()) throw SchemaError(path, "type", "is an empty list: name a type");
  Json types = Json::array();
  for (const Json& type : given) {
    if (!type.is_string() || KeywordsOf(type.get_ref<const std::string&>()) == nullptr) {
      throw SchemaError(path, "type",
                        (type.is_string() ? "is " + Shown(type.get<std::string>()) : std::string("holds no text")) +
                            ": it can be string, number, integer, boolean, null, array, object, or a list of them");
    }
    if (!Has(types, type)) types.push_back(type);
  }
  if (nullable && !Has(types, "null")) types.push_back("null");
  node["type"] = types;
}

void NormalizeNumbers(Json& node, const std::string& path) {
  for (const char* keyword : kCounts) {
    if (!node.contains(keyword)) continue;
    const Json& given = node[keyword];
    const double count = given.is_number() ? given.get<double>() : -1;
    if (count < 0 || std::trunc(count) != count) throw SchemaError(path, keyword, "must be an integer of 0 or more");
    node[keyword] = static_cast<std::int64_t>(std::min(count, kMaxCount));
  }
  for (const auto& [exclusive, plain] : {std::pair("exclusiveMinimum", "minimum"), {"exclusiveMaximum", "maximum"}}) {
    // Draft 4.
    if (!node.contains(exclusive) || !node[exclusive].is_boolean()) continue;
    const bool strict = node[exclusive] == true && node.contains(plain);
    node.erase(exclusive);
    if (!strict) continue;
    node[exclusive] = node[plain];
    node.erase(plain);
  }
  for (const char* keyword : kBounds) {
    if (node.contains(keyword) && !node[keyword].is_number()) throw SchemaError(path, keyword, "must be a number");
  }
  if (node.contains("multipleOf") && !node["multipleOf"].is_number()) {
    throw SchemaError(path, "multipleOf", "must be a number above 0");
  }
}

void NormalizeTexts(Json& node, const std::string& path) {
  for (const auto& [keyword, list] : {std::pair("pattern", kPatterns), {"format", kFormats}}) {
    if (!node.contains(keyword)) continue;
    if (!node[keyword].is_string()) throw SchemaError(path, keyword, "must be a text");
    node[list] = Json::array({node[keyword]});
    node.erase(keyword);
  }
}

void NormalizeArrays(Json& node, const std::string& path) {
  if (node.contains("items") && node["items"].is_array()) {
    if (node.contains("prefixItems"))
      throw SchemaError(path, "prefixItems", "stands beside a list of items: leave one out");
    node["prefixItems"] = node["items"];
    node.erase("items");
    if (node.contains("additionalItems")) node["items"] = node["additionalItems"];
  }
  node.erase("additionalItems");
  if (node.contains("prefixItems")) {
    if (!node["prefixItems"].is_array()) throw SchemaError(path, "prefixItems", "must be a list of schemas");
    if (node["prefixItems"].empty()) node.erase("prefixItems");
  }
  if (node.contains("uniqueItems")) {
    if (!node["uniqueItems"].is_boolean()) throw SchemaError(path, "uniqueItems", "must be true or false");
    if (node["uniqueItems"] == false) node.erase("uniqueItems");
  }
}

void CheckObjects(const Json& node, const std::string& path) {
  for (const char* keyword : {"properties", "patternProperties"}) {
    if (node.contains(keyword) && !node[keyword].is_object()) {
      throw SchemaError(path, keyword, "must be an object of schemas");
    }
  }
  if (!node.contains("required")) return;
  const Json& required = node["required"];
  if (!required.is_array() ||
      !std::all_of(required.begin(), required.end(), [](const Json& name) { return name.is_string(); })) {
    throw SchemaError(path, "required", "must be a list of names");
  }
}

Json Common(const Json& a, const Json& b) {
  Json both = Json::array();
  for (const Json& value : a) {
    if (Has(b, value)) both.push_back(value);
  }
  return both;
}

Json CommonTypes(const Json& a, const Json& b) {
  Json both = Common(a, b);
  const auto narrow = [&](const Json& x, const Json& y) {
    if (Has(x, "integer") && Has(y, "number") && !Has(both, "integer") && !Has(both, "number"))
      both.push_back("integer");
  };
  narrow(a, b);
  narrow(b, a);
  return both;
}

Json Joined(const Json& a, const Json& b) {
  Json both = a;
  for (const Json& value : b) {
    if (!Has(both, value)) both.push_back(value);
  }
  return both;
}

bool MatchesAny(const Json& patterns, const std::string& name, const std::string& path) {
  for (const auto& [pattern, schema] : patterns.items()) {
    RegexTerms terms;
    const auto parsed = ParsePattern(terms, pattern);
    if (!parsed.ok()) throw SchemaError(path, "patternProperties", parsed.status().message());
    if (Matches(terms, parsed.value(), name)) return true;
  }
  return false;
}

// `mine` under the rules that `other` has for properties that it does not name.
Json Outside(const Json& mine, const Json& other) {
  const auto additional = other.find("additionalProperties");
  if (additional == other.end() || *additional == true) return mine;
  return *additional == false ? Json(false) : All(mine, *additional);
}

void BothObjects(const Json& a, const Json& b, Json& both, const std::string& path) {
  const Json none = Json::object();
  for (const char* keyword : {"properties", "patternProperties"}) {
    const bool named = keyword[1] == 'r';
    const Json& mine = a.contains(keyword) ? a[keyword] : none;
    const Json& other = b.contains(keyword) ? b[keyword] : none;
    if (mine.empty() && other.empty()) continue;
    Json joined = Json::object();
    const auto add = [&](const Json& from, const Json& to, const Json& whole) {
      for (const auto& [name, schema] : from.items()) {
        if (joined.contains(name)) continue;
        if (to.contains(name)) {
          joined[name] = All(schema, to[name]);
        } else if (named && whole.contains("patternProperties") && MatchesAny(whole["patternProperties"], name, path)) {
          joined[name] = schema;  // its patterns stay beside it
        } else {
          joined[name] = Outside(schema, whole);
        }
      }
    };
    add(mine, other, b);
    add(other, mine, a);
    both[keyword] = joined;
  }
  for (const char* keyword : {"additionalProperties", "unevaluatedProperties", "propertyNames"}) {
    if (!a.contains(keyword) || !b.contains(keyword)) continue;
    both[keyword] = a[keyword] == false || b[keyword] == false ? Json(false) : All(a[keyword], b[keyword]);
  }
}

void BothArrays(const Json& a, const Json& b, Json& both) {
  if (a.contains("items") && b.contains("items")) {
    both["items"] = a["items"] == false || b["items"] == false ? Json(false) : All(a["items"], b["items"]);
  }
  const Json none = Json::array();
  const Json& mine = a.contains("prefixItems") ? a["prefixItems"] : none;
  const Json& other = b.contains("prefixItems") ? b["prefixItems"] : none;
  if (mine.empty() && other.empty()) return;
  Json joined = Json::array();
  for (std::size_t i = 0; i < std::max(mine.size(), other.size()); ++i) {
    const auto at = [&](const Json& list, const Json& whole) {
      return i < list.size() ? list[i] : whole.contains("items") ? whole["items"] : Json(true);
    };
    joined.push_back(All(at(mine, a), at(other, b)));
  }
  both["prefixItems"] = joined;
}

// What is left of the values that both are multiples of.
Json CommonMultiple(const Json& a, const Json& b, const std::string& path) {
  if (a == b) return a;
  for (const Json* each : {&a, &b}) {
    const double value = each->get<double>();
    if (value < 1 || value > 1000 || std::trunc(value) != value) {
      throw SchemaError(path, "multipleOf", "stands twice: give one number that is a multiple of both");
    }
  }
  return std::lcm(static_cast<std::int64_t>(a.get<double>()), static_cast<std::int64_t>(b.get<double>()));
}

std::string TypeName(const Json& value) { return value.is_number() ? "number" : value.type_name(); }

std::set<std::string> TypesOf(const Json& normal) {
  std::set<std::string> types;
  if (normal.contains("enum")) {
    for (const Json& value : normal["enum"]) types.insert(TypeName(value));
  } else if (normal.contains("type")) {
    for (const Json& type : normal["type"]) types.insert(type == "integer" ? "number" : type.get<std::string>());
  }
  return types;
}

bool Requires(const Json& normal, const std::string& name) {
  return normal.contains("required") && Has(normal["required"], name);
}

bool Describes(const Json& normal, const std::string& name) {
  return normal.contains("properties") && normal["properties"].contains(name);
}

// One asks for a property that the other forbids.
bool ForbidsRequired(const Json& closed, const Json& other) {
  if (closed.value("additionalProperties", Json(true)) != false || closed.contains("patternProperties")) return false;
  const Json required = other.value("required", Json::array());
  return std::any_of(required.begin(), required.end(),
                     [&](const Json& name) { return !Describes(closed, name.get_ref<const std::string&>()); });
}

}  // namespace

std::string ImpliedType(const Json& normal) {
  if (normal.contains(kPatterns) || normal.contains(kFormats)) return "string";
  for (const char* type : {"object", "array", "string", "number"}) {
    for (const std::string_view keyword : *KeywordsOf(type)) {
      if (normal.contains(keyword)) return type;
    }
  }
  return {};
}

bool IsNever(const Json& schema) {
  if (schema == false) return true;
  if (!schema.is_object() || !schema.contains("not")) return false;
  return schema["not"] == true || (schema["not"].is_object() && schema["not"].empty());
}

NumberRange RangeOf(const Json& normal) {
  NumberRange range;
  const auto bound = [&](const char* plain, const char* exclusive, bool lower) -> std::optional<NumberBound> {
    const bool has_plain = normal.contains(plain);
    const bool has_exclusive = normal.contains(exclusive);
    if (!has_plain && !has_exclusive) return {};
    bool strict = !has_plain;
    if (has_plain && has_exclusive) {
      const double a = normal[plain].get<double>();
      const double b = normal[exclusive].get<double>();
      strict = lower ? b >= a : b <= a;
    }
    return NumberBound{normal[strict ? exclusive : plain].dump(), strict};
  };
  range.minimum = bound("minimum", "exclusiveMinimum", true);
  range.maximum = bound("maximum", "exclusiveMaximum", false);
  if (normal.contains("multipleOf")) range.multiple_of = normal["multipleOf"].dump();
  return range;
}

void NormalSchemas::Count(const std::string& path, long steps) {
  steps_ += steps;
  if (steps_ > kMaxSteps) {
    throw SchemaError(path, "schema", "holds too many combinations of $ref, allOf and anyOf: make it simpler");
  }
}

const Json& NormalSchemas::Target(const Json& reference, const std::string& path) const {
  if (!reference.is_string()) throw SchemaError(path, "$ref", "must be a text");
  const auto& text = reference.get_ref<const std::string&>();
  if (text != "#" && !text.starts_with("#/")) {
    const bool inside = text.starts_with('#');
    throw SchemaError(path, "$ref",
                      inside ? "to " + Shown(text) + " leads nowhere: define it in $defs"
                             : "to another document, " + Shown(text) +
                                   ": nothing is fetched, so put that schema into $defs and refer to it there");
  }
  try {
    return root_.at(Json::json_pointer(text.substr(1)));
  } catch (const Json::exception&) {
    throw SchemaError(path, "$ref", "to " + Shown(text) + " leads nowhere: define it in $defs");
  }
}

Json NormalSchemas::Own(const Json& node, const std::string& path, int depth) {
  Json own = Json::object();
  for (const auto& [key, value] : node.items()) {
    if (IsAnnotation(key)) continue;
    if (!IsKept(key)) {
      throw SchemaError(path, Shortened(key),
                        "cannot be kept while a text is written: leave it out, and check it in the answer");
    }
    if (key != "$ref" && key != "$dynamicRef" && key != "allOf" && key != "nullable" && key != "not" &&
        key != "const" && key != "oneOf") {
      own[key] = value;
    }
  }
  NormalizeType(own, node.value("nullable", Json(false)) == true, path);
  NormalizeNumbers(own, path);
  NormalizeTexts(own, path);
  NormalizeArrays(own, path);
  CheckObjects(own, path);
  if (own.contains("enum") && (!own["enum"].is_array() || own["enum"].empty())) {
    throw SchemaError(path, "enum", "must be a list of values that is not empty");
  }
  if (node.contains("const")) own = Both(own, Json::object({{"enum", Json::array({node["const"]})}}), path);
  for (const char* keyword : {"anyOf", "oneOf", "allOf"}) {
    if (node.contains(keyword) && (!node[keyword].is_array() || node[keyword].empty())) {
      throw SchemaError(path, keyword, "must be a list of schemas that is not empty");
    }
  }
  if (node.contains("not")) {
    const Json& excluded = node["not"];
    if (excluded == true || (excluded.is_object() && excluded.empty())) {
      throw NoValue(path, "not", "leaves no value: allow one");
    }
    throw SchemaError(path, "not", "cannot be kept while a text is written: say what is allowed instead");
  }
  if (node.contains("oneOf")) {
    CheckExclusive(node["oneOf"], path, depth);
    own = Both(own, Json::object({{"anyOf", node["oneOf"]}}), path);
  }
  return own;
}

Json NormalSchemas::Of(const Json& node, const std::string& path, int depth) {
  Count(path);
  if (node == true) return Json::object();
  if (node == false) throw NoValue(path, "false", "is a schema that no value satisfies: allow one");
  if (!node.is_object()) throw SchemaError(path, "schema", "must be an object, true or false");
  if (depth > kMaxDepth) {
    throw SchemaError(path, "schema",
                      "is put together of too many $ref and allOf, or leads back to itself: make it simpler");
  }
  Json own = Own(node, path, depth);
  for (const char* keyword : {"$ref", "$dynamicRef"}) {
    if (!node.contains(keyword)) continue;
    const Json& target = Target(node[keyword], path);
    const auto pointer = node[keyword].get<std::string>();
    if (std::find(open_.begin(), open_.end(), pointer) != open_.end()) {
      throw SchemaError(pointer, "$ref", "leads back to itself before a value begins: let it lead to another schema");
    }
    open_.push_back(pointer);
    Json whole;
    try {
      whole = Of(target, pointer, depth + 1);
    } catch (...) {
      open_.pop_back();
      throw;
    }
    open_.pop_back();
    own = Both(own, whole, path);
  }
  if (node.contains("allOf")) {
    std::size_t i = 0;
    for (const Json& part : node["allOf"]) {
      own = Both(own, Of(part, path + "/allOf/" + std::to_string(i++), depth + 1), path);
    }
  }
  // What it names is known now, unless there are alternatives.
  if (own.contains("unevaluatedProperties") && !own.contains("anyOf")) {
    if (!own.contains("additionalProperties")) own["additionalProperties"] = own["unevaluatedProperties"];
    own.erase("unevaluatedProperties");
  }
  return own;
}

Json NormalSchemas::Both(const Json& a, const Json& b, const std::string& path) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  Json both = a;
  for (const auto& [key, value] : b.items()) {
    if (!a.contains(key)) {
      both[key] = value;
    } else if (key == "type") {
      both[key] = CommonTypes(a[key], value);
      if (both[key].empty()) throw NoValue(path, "type", "leaves no type: allow one that all parts name");
    } else if (key == "enum") {
      both[key] = Common(a[key], value);
      if (both[key].empty()) throw NoValue(path, "enum", "leaves no value: allow one that all parts name");
    } else if (key == "required" || key == kPatterns || key == kFormats) {
      both[key] = Joined(a[key], value);
    } else if (key == "multipleOf") {
      both[key] = CommonMultiple(a[key], value, path);
    } else if (key == "anyOf") {
      if (a[key].size() * value.size() > kMaxProduct) {
        throw SchemaError(path, "anyOf", "stands several times with too many combinations: write it once");
      }
      Json product = Json::array();
      for (const Json& first : a[key]) {
        for (const Json& second : value) product.push_back(All(first, second));
      }
      both[key] = product;
    } else if (std::find(kCounts.begin(), kCounts.end(), key) != kCounts.end() ||
               std::find(kBounds.begin(), kBounds.end(), key) != kBounds.end()) {
      const bool other =
          IsLowerBound(key) ? value.get<double>() > a[key].get<double>() : value.get<double>() < a[key].get<double>();
      if (other) both[key] = value;
    }
  }
  BothObjects(a, b, both, path);
  BothArrays(a, b, both);
  Count(path, SizeOf(both));
  return both;
}

void NormalSchemas::CheckExclusive(const Json& alternatives, const std::string& path, int depth) {
  std::vector<std::optional<Json>> normal;
  for (std::size_t i = 0; i < alternatives.size(); ++i) {
    try {
      normal.emplace_back(Of(alternatives[i], path + "/oneOf/" + std::to_string(i), depth + 1));
    } catch (const NoValue&) {
      normal.emplace_back();  // no value satisfies it
    }
    for (std::size_t j = 0; j < i && normal[i]; ++j) {
      if (!normal[j] || Disjoint(*normal[j], *normal[i], path, depth)) continue;
      throw SchemaError(path, "oneOf",
                        "has alternatives " + std::to_string(j) + " and " + std::to_string(i) +
                            ", which one value could satisfy both: tell them apart by their types or by a required "
                            "property with a const, or use anyOf");
    }
  }
}

bool NormalSchemas::Disjoint(const Json& a, const Json& b, const std::string& path, int depth) {
  const std::set<std::string> a_types = TypesOf(a);
  const std::set<std::string> b_types = TypesOf(b);
  const bool shared =
      std::any_of(a_types.begin(), a_types.end(), [&](const auto& type) { return b_types.contains(type); });
  if (!a_types.empty() && !b_types.empty() && !shared) return true;
  for (const auto& [values, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    if (!values->contains("enum")) continue;
    const Json& list = (*values)["enum"];
    const bool scalar = std::none_of(list.begin(), list.end(), [](const Json& value) { return value.is_structured(); });
    if (scalar && std::none_of(list.begin(), list.end(),
                               [&, schema = other](const Json& value) { return Accepts(*schema, value, path); })) {
      return true;
    }
  }
  const auto only = [&](const char* type) {
    return a_types == std::set<std::string>{type} && b_types == std::set<std::string>{type};
  };
  if (only("number")) {
    const Json both = Both(a, b, path);
    NumberRange range = RangeOf(both);
    range.multiple_of = {};
    range.integer = both.contains("type") && both["type"] == Json::array({"integer"});
    return NumberLanguage(range).value().empty();
  }
  if (only("string") && !a.contains("enum") && !b.contains("enum")) {
    try {
      RegexTerms terms;
      const auto both = terms.And({SizedTextLanguage(terms, a, path), SizedTextLanguage(terms, b, path)});
      return both == terms.Nothing() || (both != terms.Anything() && Automaton::OfTerm(terms, both).empty());
    } catch (const TooLarge&) {
      return false;
    }
  }
  // Without a type, only objects are written of a schema that speaks of them.
  const auto objects = [](const Json& normal, const std::set<std::string>& types) {
    return types == std::set<std::string>{"object"} || (types.empty() && ImpliedType(normal) == "object");
  };
  if (!objects(a, a_types) || !objects(b, b_types)) return false;
  if (ForbidsRequired(a, b) || ForbidsRequired(b, a)) return true;
  const Json required = a.value("required", Json::array());
  for (const Json& each : required) {
    const auto& name = each.get_ref<const std::string&>();
    if (!Requires(b, name) || !Describes(a, name) || !Describes(b, name) || depth >= kMaxDepth) continue;
    // What is in a property begins anew, and is not followed far.
    const std::vector<std::string> open = std::exchange(open_, {});
    bool disjoint = false;
    try {
      const Json mine = Of(a["properties"][name], path, depth + kMaxDepth / 3);
      const Json other = Of(b["properties"][name], path, depth + kMaxDepth / 3);
      disjoint = Disjoint(mine, other, path, depth + kMaxDepth / 3);
    } catch (const NoValue&) {
      disjoint = true;
    } catch (const SchemaError&) {  // NOLINT(bugprone-empty-catch): reported where the property is read
    }
    open_ = open;
    if (disjoint) return true;
  }
  return false;
}

bool Accepts(const Json& normal, const Json& value, const std::string& path) {
  if (normal.contains("enum") && !Has(normal["enum"], value)) return false;
  if (normal.contains("type")) {
    const Json& types = normal["type"];
    if (std::none_of(types.begin(), types.end(),
                     [&](const Json& type) { return HasType(value, type.get_ref<const std::string&>()); })) {
      return false;
    }
  }
  if (value.is_number()) {
    const NumberRange range = RangeOf(normal);
    if (!IsInRange(value.dump(), range)) return false;
    if (!range.multiple_of) return true;
    const auto multiples = NumberLanguage({.minimum = {}, .maximum = {}, .multiple_of = range.multiple_of});
    if (!multiples.ok()) throw SchemaError(path, "multipleOf", multiples.status().message());
    return multiples.value().Takes(value.dump());
  }
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    long length = 0;
    for (std::size_t at = 0; at < text.size(); ++length) NextCodePoint(text, at);
    const long most = CountOf(normal, "maxLength", RegexTerms::kUnbounded);
    if (length < CountOf(normal, "minLength", 0) || (most != RegexTerms::kUnbounded && length > most)) return false;
    RegexTerms terms;
    const RegexTerms::Id language = TextLanguage(terms, normal, path);
    return language == terms.Anything() || Matches(terms, language, text);
  }
  if (value.is_structured()) {
    for (const char* type : {"object", "array"}) {
      if (value.is_array() != (type[0] == 'a')) continue;
      for (const std::string_view keyword : *KeywordsOf(type)) {
        if (normal.contains(keyword)) {
          throw SchemaError(path, std::string(keyword), "stands beside an enum or const of such values: leave it out");
        }
      }
    }
  }
  return true;
}

}  // namespace medinfer
