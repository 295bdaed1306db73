#include "schema/tool_schema.h"

#include <algorithm>
#include <exception>
#include <set>
#include <utility>

#include "medinfer/json_schema.h"
#include "schema/automaton.h"
#include "schema/automaton_rules.h"
#include "schema/normal_schema.h"
#include "schema/pattern.h"
#include "schema/references.h"
#include "schema/text_language.h"

namespace medinfer {
namespace {

constexpr std::string_view kTypes[] = {"null", "boolean", "integer", "number", "string", "array", "object"};

// The types that a value of a normal schema may have.
void AddTypes(NormalSchemas& schemas, const Json& normal, const std::string& path, int depth,
              std::set<std::string>& types) {
  if (normal.contains("enum")) {
    for (const Json& value : normal["enum"]) {
      for (const std::string_view type : kTypes) {
        if (HasType(value, type)) {
          types.emplace(type);
          break;
        }
      }
    }
    return;
  }
  if (normal.contains("anyOf") && depth < 20) {
    for (const Json& each : normal["anyOf"]) AddTypes(schemas, schemas.Of(each, path), path, depth + 1, types);
    return;
  }
  if (normal.contains("type")) {
    for (const Json& type : normal["type"]) types.insert(type.get<std::string>());
    return;
  }
  const std::string implied = ImpliedType(normal);
  if (!implied.empty()) {
    types.insert(implied);
  } else {
    types.insert(std::begin(kTypes), std::end(kTypes));
  }
}

// The strings among the values of a normal schema.
RegexTerms::Id Strings(RegexTerms& terms, NormalSchemas& schemas, const Json& normal, const std::string& path,
                       int depth) {
  if (normal.contains("enum")) {
    std::vector<RegexTerms::Id> texts;
    for (const Json& value : normal["enum"]) {
      if (value.is_string() && Accepts(normal, value, path)) texts.push_back(terms.Literal(value.get<std::string>()));
    }
    return terms.Or(texts);
  }
  if (normal.contains("anyOf") && depth < 20) {
    Json rest = normal;
    rest.erase("anyOf");
    std::vector<RegexTerms::Id> texts;
    for (const Json& each : normal["anyOf"]) {
      const Json both = schemas.Both(rest, schemas.Of(each, path), path);
      texts.push_back(Strings(terms, schemas, both, path, depth + 1));
    }
    return terms.Or(texts);
  }
  if (normal.contains("type")) {
    const Json& types = normal["type"];
    if (std::find(types.begin(), types.end(), "string") == types.end()) return terms.Nothing();
  } else if (const std::string implied = ImpliedType(normal); !implied.empty() && implied != "string") {
    return terms.Nothing();
  }
  return SizedTextLanguage(terms, normal, path);
}

// Texts of which what stands behind, `end`, begins where they end: not before, not across their end.
RegexTerms::Id EndedBy(RegexTerms& terms, const std::string& end) {
  const RegexTerms::Id any = terms.Anything();
  std::vector<RegexTerms::Id> wrong{terms.Concat(any, terms.Concat(terms.Literal(end), any))};
  for (std::size_t length = 1; length < end.size(); ++length) {
    // `end` occurs `length` bytes before the text's end: its rest is a beginning of itself.
    if (end.compare(length, std::string::npos, end, 0, end.size() - length) != 0) continue;
    wrong.push_back(terms.Concat(any, terms.Literal(end.substr(0, length))));
  }
  return terms.Not(terms.Or(wrong));
}

// What a reader that tries JSON first would take for a value of these types.
RegexTerms::Id LooksLikeJson(RegexTerms& terms, const std::vector<std::string>& types) {
  std::vector<RegexTerms::Id> parts;
  const auto pattern = [&](const char* text) { parts.push_back(ParsePattern(terms, text).value()); };
  for (const std::string& type : types) {
    if (type == "null") pattern("^\\s*null\\s*$");
    if (type == "boolean") pattern("^\\s*(true|false)\\s*$");
    if (type == "integer" || type == "number") pattern("^\\s*-?\\d+(\\.\\d+)?([eE][-+]?\\d+)?\\s*$");
    if (type == "object") pattern("^\\s*\\{");
    if (type == "array") pattern("^\\s*\\[");
  }
  return terms.Or(parts);
}

constexpr int kOutlineDepth = 6;

// What formats need to know of a value.
Json OutlineOf(NormalSchemas& schemas, const Json& normal, const std::string& path, int depth) {
  std::set<std::string> types;
  AddTypes(schemas, normal, path, 0, types);
  if (types.contains("number")) types.erase("integer");
  Json outline = Json::object();
  if (types.size() == 1) {
    outline["type"] = *types.begin();
  } else if (types.size() < std::size(kTypes) - 1) {
    outline["type"] = types;
  }
  if (depth >= kOutlineDepth || types.size() != 1) return outline;
  const auto inside = [&](const Json& node, const std::string& at) {
    return node.is_boolean() ? Json::object() : OutlineOf(schemas, schemas.Of(node, at), at, depth + 1);
  };
  if (types.contains("array")) {
    outline["items"] = normal.contains("items") ? inside(normal["items"], path + "/items") : Json::object();
  }
  if (types.contains("object") && normal.contains("properties")) {
    Json properties = Json::object();
    for (const auto& property : normal["properties"].items()) {
      properties[property.key()] = inside(property.value(), PointerTo(path + "/properties", property.key()));
    }
    outline["properties"] = properties;
    if (normal.contains("required")) outline["required"] = normal["required"];
  }
  return outline;
}

}  // namespace

Result<ToolSchema> ToolSchema::Parse(const std::string& schema) {
  // Whether it can be kept at all, and within the bounds of what is read.
  if (const auto grammar = JsonSchemaToGrammar(schema); !grammar.ok()) return grammar.status();
  try {
    Json root = Json::parse(schema);
    if (root.is_boolean()) root = Json::object();
    ResolveReferences(root);
    NormalSchemas schemas(root);
    Json normal = schemas.Of(root, "#");
    if (normal.contains("anyOf") || normal.contains("enum")) {
      throw SchemaError("#", "schema", "must be of one object: put alternatives into its properties");
    }
    if (normal.contains("type")) {
      const Json& types = normal["type"];
      if (types != Json::array({"object"}))
        throw SchemaError("#", "type", "must be \"object\": a tool takes arguments by name");
    }
    // The definitions stay, for references to them.
    Json closed = root;
    closed.erase("$ref");
    closed.erase("allOf");
    for (const auto& item : normal.items()) closed[item.key()] = item.value();
    closed["type"] = "object";
    if (!closed.contains("additionalProperties") && !closed.contains("unevaluatedProperties") &&
        !closed.contains("patternProperties") && !closed.contains("propertyNames") &&
        !closed.contains("minProperties")) {
      closed["additionalProperties"] = false;
    }
    ToolSchema made(std::move(closed));
    const Json required = made.root_.value("required", Json::array());
    NormalSchemas own(made.root_);
    const Json properties = made.root_.value("properties", Json::object());
    for (const auto& property : properties.items()) {
      const bool needed = std::find(required.begin(), required.end(), property.key()) != required.end();
      Argument argument{property.key(), needed, {}, {}};
      const std::string path = PointerTo("#/properties", property.key());
      if (IsNever(property.value())) continue;
      std::set<std::string> types;
      AddTypes(own, own.Of(property.value(), path), path, 0, types);
      if (types.contains("number")) types.erase("integer");
      argument.types.assign(types.begin(), types.end());
      argument.outline = OutlineOf(own, own.Of(property.value(), path), path, 0);
      made.arguments_.push_back(std::move(argument));
    }
    if (const auto grammar = JsonSchemaToGrammar(made.root_.dump()); !grammar.ok()) return grammar.status();
    return made;
  } catch (const std::exception& error) {
    return Status{Code::kInvalidArgument, std::string("jsonSchema: ") + error.what()};
  }
}

const ToolSchema::Argument* ToolSchema::Find(std::string_view name) const {
  const auto found = std::ranges::find(arguments_, name, &Argument::name);
  return found == arguments_.end() ? nullptr : &*found;
}

std::string ToolSchema::GrammarOf(const Json& schema) const {
  const auto grammar = JsonSchemaToGrammar(schema.dump());
  if (!grammar.ok()) throw std::runtime_error(grammar.status().message());
  return grammar.value();
}

std::string ToolSchema::Whole() const { return GrammarOf(root_); }

// The property's schema as a document: beside it stands all that references may lead to.
Json ToolSchema::SchemaOf(const std::string& argument) const {
  Json document = Json::object();
  for (const char* keyword : {"$defs", "definitions"}) {
    if (root_.contains(keyword)) document[keyword] = root_[keyword];
  }
  document["$defs"]["medinfer arguments"] = root_["properties"];
  document["$ref"] = "#/$defs/medinfer arguments/" + PointerTo("", argument).substr(1);
  return document;
}

std::string ToolSchema::JsonOf(const std::string& argument) const { return GrammarOf(SchemaOf(argument)); }

std::string ToolSchema::JsonWithoutTextOf(const std::string& argument) const {
  Json document = SchemaOf(argument);
  Json types = Json::array();
  for (const std::string& type : Find(argument)->types) {
    if (type != "string") types.push_back(type);
  }
  Json reference = Json::object();
  reference["$ref"] = document["$ref"];
  Json other = Json::object();
  other["type"] = types;
  document.erase("$ref");
  document["allOf"] = Json::array({reference, other});
  return GrammarOf(document);
}

std::string ToolSchema::AddRawText(RuleBook& book, const std::string& argument, const std::string& end,
                                   bool beside) const {
  const std::string path = PointerTo("#/properties", argument);
  NormalSchemas schemas(root_);
  RegexTerms terms;
  std::vector<RegexTerms::Id> parts{Strings(terms, schemas, schemas.Of(root_["properties"][argument], path), path, 0),
                                    EndedBy(terms, end)};
  if (beside) parts.push_back(terms.Not(LooksLikeJson(terms, Find(argument)->types)));
  const Automaton automaton = Automaton::OfTerm(terms, terms.And(parts));
  if (automaton.empty()) {
    throw NoValue(path, "schema", "has no text that can stand before the end of an argument as the model writes it");
  }
  return AddAutomaton(book, "text", automaton, Writing::kPlain);
}

}  // namespace medinfer
