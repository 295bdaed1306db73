// Makes a grammar of a JSON schema, and refuses by name what no grammar of ours keeps.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/automaton.h"
#include "schema/keywords.h"
#include "schema/normal_schema.h"
#include "schema/rule_book.h"
#include "schema/value_form.h"

namespace medinfer {

class SchemaReader {
 public:
  // `root` and `form` outlive it, and the references are resolved.
  explicit SchemaReader(const Json& root, const ValueForm& form = JsonForm())
      : root_(root), normal_(root), form_(&form) {}

  // The grammar, in GBNF. Throws SchemaError.
  std::string Read();

  // Where in the schema the rule comes from that has this name; empty: it is a part of another one.
  std::string PathOf(const std::string& rule) const;

 private:
  // Each returns a symbol: the name of a rule, or a literal.
  std::string Value(const Json& node, const std::string& path, int depth, std::string_view hint);
  std::string NormalValue(const Json& normal, const std::string& path, int depth, std::string_view hint);
  std::string OwnValue(const Json& normal, const std::string& path, int depth, std::string_view hint);
  std::string ValueInside(std::string_view name, const Json& node, const std::string& path, int depth,
                          std::string_view hint);
  std::string Alternatives(const Json& normal, const std::string& path, int depth, std::string_view hint);
  std::string Reference(const std::string& pointer, const std::string& path);
  std::string OfType(const Json& normal, const std::string& type, const std::string& path, int depth,
                     std::string_view hint);
  std::string Enum(const Json& normal, const std::string& path, std::string_view hint);
  std::string Text(const Json& normal, const std::string& path, std::string_view hint);
  std::string TextBody(const Json& normal, const std::string& path, std::string_view hint);
  std::string Number(const Json& normal, bool integer, const std::string& path, std::string_view hint);
  std::string Array(const Json& normal, const std::string& path, int depth, std::string_view hint);
  std::string Subset(const Json& values, long least, long most, const std::string& path, std::string_view hint);
  std::string Object(const Json& normal, const std::string& path, int depth, std::string_view hint);
  std::string AnyValue();

  struct Property {
    std::string name;
    std::string value;  // the symbol
    bool required = false;
  };
  std::vector<Property> Properties(const Json& normal, const std::string& path, int depth);
  void Sort(std::vector<Property>& properties) const;
  std::string Entry(const Json& normal, const std::vector<Property>& described, const std::string& path, int depth,
                    std::string_view hint);
  std::string Members(const std::vector<Property>& properties, const std::string& more, bool empty,
                      std::string_view hint);
  // A schema that holds for a property beside its own one: those of the patterns that match its name.
  Json WithPatterns(const Json& normal, const std::string& name, Json schema, const std::string& path);

  std::string Automatic(const Automaton& automaton, Writing writing, std::string_view hint);
  void CheckHeads() const;

  struct Definition {
    std::string pointer;
    const ValueForm* form = nullptr;  // in which its values are written
    std::string rule;
    std::vector<std::string> heads;  // keys of references that a value of it may begin with
  };

  const Json& root_;
  NormalSchemas normal_;
  const ValueForm* form_;                                          // of what is being written
  std::map<std::string, std::unique_ptr<const ValueForm>> forms_;  // those inside of others, by key
  RuleBook book_;
  std::map<std::string, Definition> definitions_;  // by pointer and, behind a line break, their form's key
  std::vector<std::string> open_;                  // keys of those that are still to be written
  std::string current_;                            // of what is being written
  std::map<std::string, std::string> known_;       // rules of texts and numbers, by what they were made of
  std::size_t states_ = 0;                         // of all automata
  long values_ = 0;
  int inside_ = 0;  // objects and arrays around what is being written
};

}  // namespace medinfer
