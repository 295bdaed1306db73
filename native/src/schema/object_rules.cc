// Objects. Properties are written in the schema's order, so that each is there at most once.
#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "schema/automaton_rules.h"
#include "schema/pattern.h"
#include "schema/references.h"
#include "schema/schema_reader.h"
#include "schema/text_language.h"

namespace medinfer {
namespace {

constexpr std::size_t kMaxProperties = 2000;  // llama.cpp stands at each of them at once

bool Has(const Json& list, const std::string& name) {
  return std::find(list.begin(), list.end(), Json(name)) != list.end();
}

RegexTerms::Id PatternOf(RegexTerms& terms, const std::string& pattern, const std::string& path) {
  auto parsed = ParsePattern(terms, pattern);
  if (!parsed.ok()) throw SchemaError(path, "patternProperties", Shown(pattern) + " " + parsed.status().message());
  return parsed.value();
}

// Whether properties that no keyword names are written.
bool IsOpen(const Json& normal) {
  if (normal.contains("additionalProperties")) return !IsNever(normal["additionalProperties"]);
  return !normal.contains("properties") && !normal.contains("patternProperties");
}

// At least one entry, commas between them. `most`: above 0, or unbounded.
std::string Entries(RuleBook& book, const std::string& comma, const std::string& entry, std::string_view hint,
                    long most) {
  const std::string next = book.Add(std::string(hint) + "-more", InRow(comma, entry));
  const std::string more = book.Repeat(next, 0, most == RuleBook::kUnbounded ? most : most - 1);
  return more.empty() ? entry : entry + " " + more;
}

}  // namespace

Json SchemaReader::WithPatterns(const Json& normal, const std::string& name, Json schema, const std::string& path) {
  if (!normal.contains("patternProperties")) return schema;
  for (const auto& [pattern, other] : normal["patternProperties"].items()) {
    RegexTerms terms;
    if (Matches(terms, PatternOf(terms, pattern, path), name)) {
      schema = Json::object({{"allOf", Json::array({std::move(schema), other})}});
    }
  }
  return schema;
}

std::vector<SchemaReader::Property> SchemaReader::Properties(const Json& normal, const std::string& path, int depth) {
  const Json given = normal.value("properties", Json::object());
  const Json required = normal.value("required", Json::array());
  const bool patterned = normal.contains("patternProperties");
  Json names;  // in normal form
  if (normal.contains("propertyNames")) names = normal_.Of(normal["propertyNames"], path + "/propertyNames");
  const auto allowed = [&](const std::string& name) {
    return names.is_null() || Accepts(names, Json(name), path + "/propertyNames");
  };
  std::vector<Property> properties;
  const auto add = [&](const std::string& name, const Json& schema, const std::string& at) {
    const bool needed = Has(required, name);
    if (!CanWriteName(*form_, name)) {
      throw SchemaError(path, "properties",
                        "hold " + Shown(name) + ", a name that the model's calls cannot write: rename it");
    }
    if (IsNever(schema) || !allowed(name)) {
      if (needed) throw NoValue(path, "required", "names " + Shown(name) + ", which may not be there: allow it");
      return;
    }
    const Json whole = patterned ? WithPatterns(normal, name, schema, path) : schema;
    try {
      properties.push_back({name, ValueInside(name, whole, at, depth + 1, name), needed});
    } catch (const NoValue&) {
      // Its own words and those of the patterns leave nothing: it can be left out.
      if (!patterned || needed) throw;
    }
  };
  if (given.size() > kMaxProperties) {
    throw SchemaError(path, "properties", "are more than 2000: put some of them into objects of their own");
  }
  for (const auto& [name, schema] : given.items()) add(name, schema, PointerTo(path + "/properties", name));

  // Names that only other keywords speak of.
  Json others = Json::array();
  if (!names.is_null() && names.contains("enum") && IsOpen(normal)) {
    for (const Json& name : names["enum"]) {
      if (name.is_string()) others.push_back(name);
    }
  }
  for (const Json& name : required) {
    if (!Has(others, name.get<std::string>())) others.push_back(name);
  }
  for (const Json& other : others) {
    const auto& name = other.get_ref<const std::string&>();
    if (given.contains(name)) continue;
    const Json more = normal.value("additionalProperties", Json(true));
    const bool matches = patterned && WithPatterns(normal, name, true, path) != true;
    if (!IsOpen(normal) && !matches) {
      throw NoValue(path, "required",
                    "names " + Shown(name) + ", which properties do not describe: describe it there, or leave it out");
    }
    add(name, matches ? Json(true) : more, path + "/additionalProperties");
  }
  Sort(properties);
  return properties;
}

// Into the order in which the form writes them.
void SchemaReader::Sort(std::vector<Property>& properties) const {
  const auto before = [&](std::size_t a, std::size_t b) {
    return form_->IsBefore({properties[a].name, properties[a].required}, {properties[b].name, properties[b].required});
  };
  std::vector<std::size_t> order(properties.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) { return before(a, b) || (a < b && !before(b, a)); });
  std::vector<Property> sorted;
  for (const std::size_t i : order) sorted.push_back(std::move(properties[i]));
  properties = std::move(sorted);
}

// The rule of a property that is not described by its name; empty: there is none.
std::string SchemaReader::Entry(const Json& normal, const std::vector<Property>& described, const std::string& path,
                                int depth, std::string_view hint) {
  Json names;
  if (normal.contains("propertyNames")) {
    names = normal_.Of(normal["propertyNames"], path + "/propertyNames");
    if (names.contains("enum")) return {};  // each is described
    if (names.contains("anyOf")) {
      throw SchemaError(path, "propertyNames", "holds anyOf, which cannot be kept here: use one pattern");
    }
    if (names.contains("type") && !Has(names["type"], "string")) return {};
  }
  const Json patterns = normal.value("patternProperties", Json::object());
  const Json given = normal.value("properties", Json::object());
  std::string body;
  const auto add = [&](const std::string* pattern, const Json& schema, const std::string& at) {
    if (IsNever(schema)) return;
    RegexTerms terms;
    std::vector<RegexTerms::Id> parts;
    if (!names.is_null()) parts.push_back(SizedTextLanguage(terms, names, path + "/propertyNames"));
    for (const auto& [other, ignored] : patterns.items()) {
      const RegexTerms::Id language = PatternOf(terms, other, path);
      parts.push_back(pattern != nullptr && other == *pattern ? language : terms.Not(language));
    }
    std::vector<RegexTerms::Id> taken;
    for (const auto& [name, ignored] : given.items()) taken.push_back(terms.Literal(name));
    for (const Property& property : described) taken.push_back(terms.Literal(property.name));
    parts.push_back(terms.Not(terms.Or(taken)));
    parts.push_back(form_->Names(terms));
    const RegexTerms::Id language = terms.And(parts);
    std::string key;
    if (language == terms.Anything()) {
      key = book_.Builtin("string");
    } else {
      const Automaton automaton = Automaton::OfTerm(terms, language);
      if (automaton.empty()) return;
      key = form_->Name(Automatic(automaton, form_->writing(), std::string(hint) + "-key"));
    }
    const std::string value = schema == true ? AnyValue() : Value(schema, at, depth + 1, std::string(hint) + "-value");
    body.append(body.empty() ? "" : " | ").append(form_->Entry(book_, key, value));
  };
  try {
    for (const auto& [pattern, schema] : patterns.items())
      add(&pattern, schema, PointerTo(path + "/patternProperties", pattern));
    if (IsOpen(normal)) {
      add(nullptr, normal.value("additionalProperties", Json(true)), path + "/additionalProperties");
    }
  } catch (const TooLarge& error) {
    throw SchemaError(path, patterns.empty() ? "additionalProperties" : "patternProperties",
                      std::string(error.what()) + ": use simpler patterns or fewer names");
  }
  if (body.empty()) return {};
  return book_.Add(std::string(hint) + "-entry", body);
}

// What stands between the braces. `more`: a rule of what may follow, commas included; it may be empty.
std::string SchemaReader::Members(const std::vector<Property>& properties, const std::string& more, bool empty,
                                  std::string_view hint) {
  const auto size = properties.size();
  const auto entry = [&](std::size_t i) { return form_->Member(book_, properties[i].name, properties[i].value); };
  // What all members begin with stands before their names, so that those which may follow part behind it.
  const std::string lead = form_->lead().empty() ? "" : GbnfLiteral(form_->lead());
  const std::string next = InRow(form_->Comma(book_), lead);
  // names: behind the lead, the i-th property or, as far as those before are optional, a later one. after: what may
  // follow when all before the i-th are decided. From the last property back.
  std::string names;
  std::string after = more;
  bool required = false;  // one of those from here on
  for (std::size_t i = size; i-- > 0;) {
    const std::string rest = names;
    names = InRow(entry(i), after);
    required = required || properties[i].required;
    if (!properties[i].required && !rest.empty()) names += " | " + rest;
    // A rule of its own where it stands in two places, and now and then, so that rules stay short.
    if (!properties[i].required || i % 16 == 0) names = book_.Add(std::string(hint) + "-p", names);
    after = InRow(next, names);
    if (required) continue;
    if (more.empty()) {
      after.insert(0, "(").append(")?");
    } else {
      after = book_.Add(std::string(hint) + "-r", after.append(" | ").append(more));
    }
  }
  const std::string first = InRow(lead, names);
  return required || !empty ? first : "(" + first + ")?";
}

std::string SchemaReader::Object(const Json& normal, const std::string& path, int depth, std::string_view hint) {
  const long least = CountOf(normal, "minProperties", 0);
  const long most = CountOf(normal, "maxProperties", RegexTerms::kUnbounded);
  if (most != RegexTerms::kUnbounded && most < least) {
    throw NoValue(path, "maxProperties", "is less than minProperties: exchange them");
  }
  std::vector<Property> properties = Properties(normal, path, depth);
  const std::string entry = Entry(normal, properties, path, depth, hint);
  const auto needed =
      std::count_if(properties.begin(), properties.end(), [](const Property& each) { return each.required; });
  const auto size = static_cast<long>(properties.size());
  long extra = RegexTerms::kUnbounded;  // entries beside the properties
  if (most != RegexTerms::kUnbounded) {
    if (most < needed) throw NoValue(path, "maxProperties", "is less than required asks for: raise it");
    if (most < size) {
      if (most > needed) {
        throw SchemaError(path, "maxProperties",
                          "cannot be kept where properties may be left out: require them, or leave it out");
      }
      std::erase_if(properties, [](const Property& each) { return !each.required; });
      extra = 0;
    } else {
      extra = most - size;
    }
  }
  if (least > std::max(1L, needed)) {
    if (!entry.empty() || least < size) {
      throw SchemaError(path, "minProperties",
                        "above 1 cannot be kept here: require properties by name, or leave it out");
    }
    if (least > size) throw NoValue(path, "minProperties", "asks for more than there may be: lower it");
    for (Property& property : properties) property.required = true;
  }
  if (properties.empty() && entry.empty() && least > 0) {
    throw NoValue(path, "minProperties", "asks for more than there may be: lower it");
  }
  const std::string comma = form_->Comma(book_);
  std::string body;
  if (!properties.empty()) {
    std::string more;
    if (!entry.empty() && extra != 0) {
      more = book_.Repeat(book_.Add(std::string(hint) + "-more", InRow(comma, entry)), 0, extra);
    }
    body = Members(properties, more, least == 0 && (entry.empty() || extra == 0), hint);
    const bool optional =
        std::none_of(properties.begin(), properties.end(), [](const Property& each) { return each.required; });
    if (optional && !more.empty()) {
      // None of the properties, and then others without a comma before the first.
      const std::string others = Entries(book_, comma, entry, hint, extra);
      body = least == 0 ? "(" + body + " | " + others + ")?" : "(" + body + " | " + others + ")";
    }
  } else if (!entry.empty() && extra != 0) {
    body = Entries(book_, comma, entry, hint, extra);
    if (least == 0) body = "(" + body + ")?";
  }
  return book_.Add(hint, form_->Object(book_, body));
}

}  // namespace medinfer
