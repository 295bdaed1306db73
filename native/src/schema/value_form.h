// How values are written: as JSON, or in a dialect of a model's own. The walk over a schema (SchemaReader) asks for
// what stands around texts, names and values, and for what the dialect cannot write.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "schema/automaton_rules.h"
#include "schema/keywords.h"
#include "schema/regex_terms.h"
#include "schema/rule_book.h"

namespace medinfer {

// Its strings are symbols of a grammar or sequences of them. Nothing in it changes: any thread may use it.
class ValueForm {
 public:
  virtual ~ValueForm() = default;

  virtual bool IsJson() const { return false; }

  // Forms that write by Shape: texts as they are, lists and objects piece by piece, everything else as JSON.
  virtual bool IsShaped() const { return false; }
  // Lists and objects around what is written in it.
  virtual int depth() const { return 0; }
  // The form inside of a member, or of an item where `name` is empty; null: the same one.
  virtual std::unique_ptr<const ValueForm> Inside(std::string_view /*name*/) const { return nullptr; }
  // Tells forms from each other that are inside of one.
  virtual std::string key() const { return {}; }

  // Texts, as far as they can be written. `body`: what stands between the marks around a text.
  virtual Writing writing() const = 0;
  virtual RegexTerms::Id Texts(RegexTerms& terms) const = 0;
  virtual std::string Text(const std::string& body) const = 0;

  // Names of an object's members, as far as they can be written.
  virtual RegexTerms::Id Names(RegexTerms& terms) const = 0;
  virtual std::string Name(const std::string& body) const = 0;
  // What every member begins with, as text; it is no part of Member. The texts of different members part behind it.
  virtual std::string_view lead() const = 0;
  virtual std::string Member(RuleBook& book, const std::string& name, const std::string& value) const = 0;
  // A whole member, of which `name` is what stands for its name.
  virtual std::string Entry(RuleBook& book, const std::string& name, const std::string& value) const = 0;
  // Whether a member is written before another one, where the schema's order is not kept.
  struct Place {
    std::string_view name;
    bool required = false;
  };
  virtual bool IsBefore(const Place& /*a*/, const Place& /*b*/) const { return false; }

  // `body` may be empty.
  virtual std::string Object(RuleBook& book, const std::string& body) const = 0;
  virtual std::string List(RuleBook& book, const std::string& body) const = 0;
  virtual std::string Item(const std::string& value) const { return value; }
  virtual std::string Comma(RuleBook& book) const = 0;

  // A rule for any value at all. `number`: that of numbers.
  virtual std::string AnyValue(RuleBook& book, const std::string& number) const = 0;
  // A value as text.
  virtual std::string Written(const Json& value) const = 0;
};

const ValueForm& JsonForm();

// Whether the form can write the value.
bool CanWrite(const ValueForm& form, const Json& value);
bool CanWriteName(const ValueForm& form, const std::string& name);

}  // namespace medinfer
