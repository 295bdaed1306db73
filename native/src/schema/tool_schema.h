// The schema of a tool's arguments, as grammars of what a model writes for them: JSON, or one argument after the other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "medinfer/status.h"
#include "schema/keywords.h"
#include "schema/rule_book.h"
#include "schema/value_form.h"

namespace medinfer {

class ToolSchema {
 public:
  struct Argument {
    std::string name;
    bool required = false;
    std::vector<std::string> types;  // JSON's; "integer" beside no "number"
    Json outline;                    // a schema that says no more than types, items and properties, a few levels deep
  };

  // `schema`: JSON, of an object; one that says nothing is of an object without properties. Properties that are not
  // described are left out where the schema does not speak of them. kInvalidArgument where it cannot be kept.
  static Result<ToolSchema> Parse(const std::string& schema);

  const std::vector<Argument>& arguments() const { return arguments_; }
  const Argument* Find(std::string_view name) const;

  // GBNF of all arguments as one object, of one argument's value, both in a form of values, and of what of an argument
  // is no string, as JSON. Throw SchemaError.
  std::string Whole(const ValueForm& form = JsonForm()) const;
  std::string ValueOf(const std::string& argument, const ValueForm& form = JsonForm()) const;
  std::string JsonWithoutTextOf(const std::string& argument) const;

  // A rule for a string argument as it stands between tags, with no quotes and no escapes, before the text `end`, which
  // is no part of it. `beside`: what is no string may stand there as JSON, so a text that looks like it is left out.
  // Throws SchemaError, where no text is left too.
  std::string AddRawText(RuleBook& book, const std::string& argument, const std::string& end, bool beside) const;

 private:
  explicit ToolSchema(Json root) : root_(std::move(root)) {}
  std::string GrammarOf(const Json& schema, const ValueForm& form = JsonForm()) const;
  Json SchemaOf(const std::string& argument) const;

  Json root_;
  std::vector<Argument> arguments_;
};

}  // namespace medinfer
