#include "schema/text_language.h"

#include <optional>
#include <utility>

#include "schema/formats.h"
#include "schema/normal_schema.h"
#include "schema/pattern.h"

namespace medinfer {

long CountOf(const Json& normal, const char* keyword, long otherwise) {
  const auto found = normal.find(keyword);
  return found == normal.end() ? otherwise : found->get<long>();
}

RegexTerms::Id TextLanguage(RegexTerms& terms, const Json& normal, const std::string& path, bool bounded) {
  std::vector<RegexTerms::Id> parts;
  const Json patterns = normal.value(kPatterns, Json::array());
  for (const Json& pattern : patterns) {
    auto parsed = ParsePattern(terms, pattern.get_ref<const std::string&>());
    if (!parsed.ok()) throw SchemaError(path, "pattern", parsed.status().message());
    parts.push_back(parsed.value());
  }
  for (const Json& format : normal.value(kFormats, Json::array())) {
    const auto& name = format.get_ref<const std::string&>();
    const std::optional<std::string> known = FormatPattern(name, bounded);
    if (!known) {
      // Beside a pattern it is only a name for it.
      if (!patterns.empty()) continue;
      throw SchemaError(path, "format", Shown(name) + " is unknown: use a pattern, or one of " + FormatNames());
    }
    if (!known->empty()) parts.push_back(ParsePattern(terms, *known).value());
  }
  return terms.And(parts);
}

RegexTerms::Id SizedTextLanguage(RegexTerms& terms, const Json& normal, const std::string& path) {
  const RegexTerms::Id text = TextLanguage(terms, normal, path);
  const long least = CountOf(normal, "minLength", 0);
  const long most = CountOf(normal, "maxLength", RegexTerms::kUnbounded);
  if (least == 0 && most == RegexTerms::kUnbounded) return text;
  return terms.And({text, terms.Repeat(terms.Set(CharSet::Texts()), least, most)});
}

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

}  // namespace medinfer
