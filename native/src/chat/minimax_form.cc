#include "chat/minimax_form.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "schema/text_language.h"

namespace medinfer {
namespace {

constexpr const char* kOpen = "]<]minimax[>[<";
constexpr const char* kClose = "]<]minimax[>[</";

class MiniMaxValueForm final : public ValueForm {
 public:
  MiniMaxValueForm(std::string end, int depth) : end_(std::move(end)), depth_(depth) {}

  bool IsShaped() const override { return true; }
  int depth() const override { return depth_; }
  std::unique_ptr<const ValueForm> Inside(std::string_view name) const override {
    return std::make_unique<MiniMaxValueForm>(Close(name.empty() ? "item" : name), depth_ + 1);
  }
  std::string key() const override { return std::to_string(depth_) + end_; }

  Writing writing() const override { return Writing::kPlain; }
  RegexTerms::Id Texts(RegexTerms& terms) const override { return EndedBy(terms, end_); }
  std::string Text(const std::string& body) const override { return body; }

  RegexTerms::Id Names(RegexTerms& terms) const override { return terms.Anything(); }
  std::string Name(const std::string& body) const override { return body; }
  std::string_view lead() const override { return kOpen; }
  std::string Member(RuleBook& /*book*/, const std::string& name, const std::string& value) const override {
    return GbnfLiteral(name + ">") + " " + value + " " + GbnfLiteral(Close(name));
  }
  std::string Entry(RuleBook& /*book*/, const std::string& /*name*/, const std::string& /*value*/) const override {
    throw std::logic_error("an object with members of any name is JSON");
  }
  bool IsBefore(const Place& a, const Place& b) const override { return a.required && !b.required; }

  std::string Object(RuleBook& /*book*/, const std::string& body) const override {
    return body.empty() ? "\"\"" : body;
  }
  std::string List(RuleBook& /*book*/, const std::string& body) const override { return body.empty() ? "\"\"" : body; }
  std::string Item(const std::string& value) const override {
    return GbnfLiteral(kOpen + std::string("item>")) + " " + value + " " + GbnfLiteral(Close("item"));
  }
  std::string Comma(RuleBook& /*book*/) const override { return {}; }

  std::string AnyValue(RuleBook& /*book*/, const std::string& /*number*/) const override {
    throw std::logic_error("what may be anything is a text");
  }
  std::string Written(const Json& value) const override {
    return value.is_string() ? value.get<std::string>() : value.dump();
  }

 private:
  static std::string Close(std::string_view name) { return kClose + std::string(name) + ">"; }

  std::string end_;
  int depth_;
};

}  // namespace

const ValueForm& MiniMaxForm() {
  static const MiniMaxValueForm form(kClose, 0);
  return form;
}

}  // namespace medinfer
