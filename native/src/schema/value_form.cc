#include "schema/value_form.h"

#include <algorithm>

#include "schema/pattern.h"

namespace medinfer {
namespace {

class JsonValueForm final : public ValueForm {
 public:
  bool IsJson() const override { return true; }

  Writing writing() const override { return Writing::kJsonString; }
  RegexTerms::Id Texts(RegexTerms& terms) const override { return terms.Anything(); }
  std::string Text(const std::string& body) const override { return R"("\"" )" + body + R"( "\"")"; }

  RegexTerms::Id Names(RegexTerms& terms) const override { return terms.Anything(); }
  std::string Name(const std::string& body) const override { return Text(body); }
  std::string_view lead() const override { return "\""; }
  std::string Member(RuleBook& book, const std::string& name, const std::string& value) const override {
    return GbnfLiteral(Json(name).dump().substr(1)) + " " + book.Builtin("colon") + " " + value;
  }
  std::string Entry(RuleBook& book, const std::string& name, const std::string& value) const override {
    return name + " " + book.Builtin("colon") + " " + value;
  }

  std::string Object(RuleBook& book, const std::string& body) const override { return Within(book, "{", body, "}"); }
  std::string List(RuleBook& book, const std::string& body) const override { return Within(book, "[", body, "]"); }
  std::string Comma(RuleBook& book) const override { return book.Builtin("comma"); }

  std::string AnyValue(RuleBook& book, const std::string& number) const override {
    book.Define("number", number);
    return book.Builtin("value");
  }
  std::string Written(const Json& value) const override { return value.dump(); }

 private:
  static std::string Within(RuleBook& book, const char* open, const std::string& body, const char* close) {
    const std::string space = book.Builtin("space");
    return GbnfLiteral(open) + " " + space + " " + (body.empty() ? "" : body + " ") + space + " " + GbnfLiteral(close);
  }
};

}  // namespace

const ValueForm& JsonForm() {
  static const JsonValueForm form;
  return form;
}

bool CanWriteName(const ValueForm& form, const std::string& name) {
  if (form.IsJson()) return true;
  RegexTerms terms;
  const RegexTerms::Id names = form.Names(terms);
  return Matches(terms, names, name);
}

bool CanWrite(const ValueForm& form, const Json& value) {
  if (form.IsJson()) return true;
  if (value.is_string()) {
    RegexTerms terms;
    const RegexTerms::Id texts = form.Texts(terms);
    return Matches(terms, texts, value.get<std::string>());
  }
  if (!value.is_structured()) return true;
  const auto items = value.items();
  return std::all_of(items.begin(), items.end(), [&](const auto& item) {
    return (value.is_array() || CanWriteName(form, item.key())) && CanWrite(form, item.value());
  });
}

}  // namespace medinfer
