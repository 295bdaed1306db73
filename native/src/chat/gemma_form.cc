#include "chat/gemma_form.h"

#include <map>
#include <string>
#include <string_view>

#include "schema/pattern.h"
#include "schema/text_language.h"

namespace medinfer {
namespace {

constexpr const char* kMark = "<|\"|>";

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

class GemmaValueForm final : public ValueForm {
 public:
  Writing writing() const override { return Writing::kPlain; }
  RegexTerms::Id Texts(RegexTerms& terms) const override { return EndedBy(terms, kMark); }
  std::string Text(const std::string& body) const override {
    return GbnfLiteral(kMark) + " " + body + " " + GbnfLiteral(kMark);
  }

  RegexTerms::Id Names(RegexTerms& terms) const override { return ParsePattern(terms, R"(^[^:}\s][^:}]*$)").value(); }
  std::string Name(const std::string& body) const override { return body; }
  std::string_view lead() const override { return {}; }
  std::string Member(RuleBook& /*book*/, const std::string& name, const std::string& value) const override {
    return GbnfLiteral(name + ":") + " " + value;
  }
  std::string Entry(RuleBook& /*book*/, const std::string& name, const std::string& value) const override {
    return name + " \":\" " + value;
  }
  bool IsBefore(const Place& a, const Place& b) const override { return Lower(a.name) < Lower(b.name); }

  std::string Object(RuleBook& /*book*/, const std::string& body) const override {
    return InRow("\"{\"", InRow(body, "\"}\""));
  }
  std::string List(RuleBook& /*book*/, const std::string& body) const override {
    return InRow("\"[\"", InRow(body, "\"]\""));
  }
  std::string Comma(RuleBook& /*book*/) const override { return "\",\""; }

  std::string AnyValue(RuleBook& book, const std::string& number) const override {
    RegexTerms terms;
    const std::string text = Text(AddAutomaton(book, "text", Automaton::OfTerm(terms, Texts(terms)), writing()));
    const std::string name = AddAutomaton(book, "name", Automaton::OfTerm(terms, Names(terms)), writing());
    std::string value = book.Reserve("any");
    const std::string entry = Entry(book, name, value);
    const std::string entries = "(" + entry + " (\",\" " + entry + ")*)?";
    book.Define(value, Object(book, entries) + " | " + List(book, "(" + value + " (\",\" " + value + ")*)?") + " | " +
                           text + " | " + number + " | " + book.Builtin("boolean") + " | " + book.Builtin("null"));
    return value;
  }

  std::string Written(const Json& value) const override {
    if (value.is_string()) return kMark + value.get<std::string>() + kMark;
    if (!value.is_structured()) return value.dump();
    std::string text;
    const auto add = [&](const std::string& part) { text.append(text.empty() ? "" : ",").append(part); };
    if (value.is_array()) {
      for (const Json& item : value) add(Written(item));
      return "[" + text + "]";
    }
    std::multimap<std::string, std::string> members;
    for (const auto& item : value.items()) {
      members.emplace(Lower(item.key()), item.key() + ":" + Written(item.value()));
    }
    for (const auto& member : members) add(member.second);
    return "{" + text + "}";
  }
};

}  // namespace

const ValueForm& GemmaForm() {
  static const GemmaValueForm form;
  return form;
}

}  // namespace medinfer
