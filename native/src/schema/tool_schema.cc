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
#include "schema/schema_grammar.h"
#include "schema/text_language.h"
#include "schema/value_shape.h"

namespace medinfer {
namespace {

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
      const Json value = own.Of(property.value(), path);
      const std::set<std::string> types = TypesOf(own, value, path);
      argument.types.assign(types.begin(), types.end());
      argument.outline = OutlineOf(own, value, path);
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

std::string ToolSchema::GrammarOf(const Json& schema, const ValueForm& form) const {
  const auto grammar = SchemaGrammar(schema.dump(), form);
  if (!grammar.ok()) throw std::runtime_error(grammar.status().message());
  return grammar.value();
}

std::string ToolSchema::Whole(const ValueForm& form) const { return GrammarOf(root_, form); }

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

std::string ToolSchema::ValueOf(const std::string& argument, const ValueForm& form) const {
  return GrammarOf(SchemaOf(argument), form);
}

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
  try {
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
  } catch (const TooLarge& error) {
    throw SchemaError(path, "schema", std::string(error.what()) + ": use a simpler one, or lower lengths");
  }
}

}  // namespace medinfer
