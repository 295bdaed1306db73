#include "schema/schema_reader.h"

#include <algorithm>
#include <set>
#include <utility>

#include "schema/automaton_rules.h"
#include "schema/value_shape.h"

namespace medinfer {
namespace {

constexpr int kMaxDepth = 60;  // schemas in schemas
constexpr long kMaxValues = 30000;
constexpr std::size_t kMaxStates = 200000;  // of all automata

bool ListsValues(const Json& node) { return node.is_object() && (node.contains("const") || node.contains("enum")); }

// Those of an enum that the words beside it allow: at least one.
Json AcceptedValues(const Json& normal, const std::string& path) {
  if (normal.size() == 1) return normal["enum"];
  Json accepted = Json::array();
  for (const Json& value : normal["enum"]) {
    if (Accepts(normal, value, path)) accepted.push_back(value);
  }
  if (accepted.empty()) {
    throw NoValue(path, "enum", "holds no value that the keywords beside it allow: change one of them");
  }
  return accepted;
}

// Another form for as long as it lives.
class FormScope {
 public:
  FormScope(const ValueForm*& form, const ValueForm& other) : form_(form), before_(form) { form_ = &other; }
  ~FormScope() { form_ = before_; }
  FormScope(const FormScope&) = delete;
  FormScope& operator=(const FormScope&) = delete;

 private:
  const ValueForm*& form_;
  const ValueForm* before_;
};

void AddOnce(std::vector<std::string>& symbols, const std::string& symbol) {
  if (std::find(symbols.begin(), symbols.end(), symbol) == symbols.end()) symbols.push_back(symbol);
}

std::string Joined(const std::vector<std::string>& symbols) {
  std::string body;
  for (const std::string& symbol : symbols) body.append(body.empty() ? "" : " | ").append(symbol);
  return body;
}

}  // namespace

std::string SchemaReader::Read() {
  const std::string root = Reference("#", "#");
  while (!open_.empty()) {
    current_ = open_.back();
    open_.pop_back();
    const Definition& definition = definitions_[current_];
    form_ = definition.form;
    const std::string path = definition.pointer;
    const Json& node = normal_.Target(Json(path), path);
    const std::string name = path.substr(path.rfind('/') + 1);
    const std::string symbol = Value(node, path, 0, path == "#" ? "answer" : name);
    book_.Define(definition.rule, symbol);
  }
  CheckHeads();
  return book_.Text(root);
}

std::string SchemaReader::PathOf(const std::string& rule) const {
  const auto found = std::find_if(definitions_.begin(), definitions_.end(),
                                  [&](const auto& definition) { return definition.second.rule == rule; });
  return found == definitions_.end() ? std::string() : found->second.pointer;
}

// References that lead back to themselves before a value begins.
void SchemaReader::CheckHeads() const {
  std::set<std::string> done;
  for (const auto& [start, definition] : definitions_) {
    std::vector<std::pair<std::string, std::size_t>> open{{start, 0}};
    std::set<std::string> above{start};
    while (!open.empty()) {
      auto& [pointer, next] = open.back();
      const std::vector<std::string>& heads = definitions_.at(pointer).heads;
      if (next == heads.size() || done.contains(pointer)) {
        done.insert(pointer);
        above.erase(pointer);
        open.pop_back();
        continue;
      }
      const std::string head = heads[next++];
      if (above.contains(head)) {
        throw SchemaError(definitions_.at(head).pointer, "$ref",
                          "leads back to itself before a value begins: let it lead to another schema");
      }
      if (done.contains(head)) continue;
      above.insert(head);
      open.emplace_back(head, 0);
    }
  }
}

std::string SchemaReader::Value(const Json& node, const std::string& path, int depth, std::string_view hint) {
  if (node.is_object() && (node.contains("$ref") || node.contains("$dynamicRef"))) {
    const char* keyword = node.contains("$ref") ? "$ref" : "$dynamicRef";
    const bool alone = std::all_of(node.items().begin(), node.items().end(), [&](const auto& item) {
      return item.key() == keyword || item.key() == "nullable" || IsAnnotation(item.key());
    });
    if (alone) {
      normal_.Target(node[keyword], path);
      return Reference(node[keyword].get<std::string>(), path);
    }
  }
  return NormalValue(normal_.Of(node, path), path, depth, hint);
}

std::string SchemaReader::Reference(const std::string& pointer, const std::string& path) {
  const std::string form = form_->key();
  const std::string key = form.empty() ? pointer : pointer + "\n" + form;
  const auto [found, added] = definitions_.try_emplace(key);
  if (added) {
    if (definitions_.size() > 5000) throw SchemaError(path, "$ref", "leads to more than 5000 schemas: use fewer");
    const std::string name = pointer == "#" ? "answer" : pointer.substr(pointer.rfind('/') + 1);
    found->second = {pointer, form_, book_.Reserve(name), {}};
    open_.push_back(key);
  }
  if (inside_ == 0 && !current_.empty()) definitions_[current_].heads.push_back(key);
  return found->second.rule;
}

std::string SchemaReader::NormalValue(const Json& normal, const std::string& path, int depth, std::string_view hint) {
  // Alternatives that hold a reference to themselves among other words end here, too.
  if (depth > kMaxDepth) throw SchemaError(path, "schema", "is nested too deeply: use at most 60 levels");
  if (++values_ > kMaxValues) {
    throw SchemaError(path, "schema",
                      "is too large: it has more than 30000 parts, so use fewer or refer to them by $ref");
  }
  if (!form_->IsShaped()) return OwnValue(normal, path, depth, hint);
  switch (ShapeOf(normal_, normal, path, form_->depth())) {
    case Shape::kText: {
      const Json text = normal_.Both(normal, Json::object({{"type", Json::array({"string"})}}), path);
      return OwnValue(text, path, depth, hint);
    }
    case Shape::kJson: {
      const FormScope scope(form_, JsonForm());
      return OwnValue(normal, path, depth, hint);
    }
    default:
      return OwnValue(normal, path, depth, hint);
  }
}

// That of a member of this name, or of an item.
std::string SchemaReader::ValueInside(std::string_view name, const Json& node, const std::string& path, int depth,
                                      std::string_view hint) {
  std::unique_ptr<const ValueForm> inside = form_->Inside(name);
  if (inside == nullptr) return Value(node, path, depth, hint);
  std::unique_ptr<const ValueForm>& kept = forms_[inside->key()];
  if (kept == nullptr) kept = std::move(inside);
  const FormScope scope(form_, *kept);
  return Value(node, path, depth, hint);
}

std::string SchemaReader::OwnValue(const Json& normal, const std::string& path, int depth, std::string_view hint) {
  if (normal.contains("anyOf")) return Alternatives(normal, path, depth, hint);
  if (normal.contains("enum")) return Enum(normal, path, hint);
  if (normal.contains("type")) {
    const Json& types = normal["type"];
    const bool number = std::find(types.begin(), types.end(), "number") != types.end();
    std::vector<std::string> symbols;
    for (const Json& type : types) {
      if (type == "integer" && number) continue;
      symbols.push_back(OfType(normal, type.get<std::string>(), path, depth, hint));
    }
    if (symbols.size() == 1) return symbols[0];
    return book_.Add(hint, Joined(symbols));
  }
  const std::string type = ImpliedType(normal);
  return type.empty() ? AnyValue() : OfType(normal, type, path, depth, hint);
}

std::string SchemaReader::Alternatives(const Json& normal, const std::string& path, int depth, std::string_view hint) {
  Json rest = normal;
  rest.erase("anyOf");
  const Json& given = normal["anyOf"];
  std::vector<std::string> symbols;
  Json listed = Json::array();  // the values of all that list theirs: one enum is followed with less effort than many
  std::optional<NoValue> none;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string at = path + "/anyOf/" + std::to_string(i);
    try {
      if (rest.empty() && !ListsValues(given[i])) {
        AddOnce(symbols, Value(given[i], at, depth + 1, hint));
        continue;
      }
      Json both = normal_.Both(rest, normal_.Of(given[i], at), path);
      if (both.contains("unevaluatedProperties") && !both.contains("anyOf")) {
        if (!both.contains("additionalProperties")) both["additionalProperties"] = both["unevaluatedProperties"];
        both.erase("unevaluatedProperties");
      }
      if (both.contains("enum") && !both.contains("anyOf")) {
        const Json values = AcceptedValues(both, at);
        listed.insert(listed.end(), values.begin(), values.end());
      } else {
        AddOnce(symbols, NormalValue(both, at, depth + 1, hint));
      }
    } catch (const NoValue& error) {
      none = error;
    }
  }
  if (!listed.empty()) AddOnce(symbols, Enum(Json::object({{"enum", std::move(listed)}}), path, hint));
  if (symbols.empty()) throw NoValue(*none);
  return symbols.size() == 1 ? symbols[0] : book_.Add(hint, Joined(symbols));
}

std::string SchemaReader::OfType(const Json& normal, const std::string& type, const std::string& path, int depth,
                                 std::string_view hint) {
  if (type == "string") return Text(normal, path, hint);
  if (type == "number" || type == "integer") return Number(normal, type == "integer", path, hint);
  if (type == "boolean" || type == "null") return book_.Builtin(type);
  ++inside_;
  std::string symbol = type == "array" ? Array(normal, path, depth, hint) : Object(normal, path, depth, hint);
  --inside_;
  return symbol;
}

std::string SchemaReader::Enum(const Json& normal, const std::string& path, std::string_view hint) {
  std::vector<std::string> words;
  for (const Json& value : AcceptedValues(normal, path)) {
    if (CanWrite(*form_, value)) words.push_back(form_->Written(value));
  }
  if (words.empty()) throw NoValue(path, "enum", "holds no value that the model's calls can: leave out its marks");
  if (words.size() == 1) return GbnfLiteral(words[0]);
  return AddAutomaton(book_, hint, Automaton::OfWords(std::move(words)), Writing::kPlain);
}

std::string SchemaReader::AnyValue() {
  std::string& value = known_["any value" + form_->key()];
  if (value.empty()) {
    const Automaton numbers = NumberLanguage({.minimum = {}, .maximum = {}, .multiple_of = {}}).value();
    value = form_->AnyValue(book_, AddAutomaton(book_, "digits", numbers, Writing::kPlain));
  }
  return value;
}

std::string SchemaReader::Automatic(const Automaton& automaton, Writing writing, std::string_view hint) {
  states_ += automaton.states().size();
  if (states_ > kMaxStates) throw TooLarge("needs too many rules together with the rest of the schema");
  return AddAutomaton(book_, hint, automaton, writing);
}

std::string SchemaReader::Number(const Json& normal, bool integer, const std::string& path, std::string_view hint) {
  NumberRange range = RangeOf(normal);
  range.integer = integer;
  const Json formats = normal.value(kFormats, Json::array());
  if (std::find(formats.begin(), formats.end(), "int32") != formats.end()) {
    const Json bounds = Json::object({{"minimum", -2147483648.0}, {"maximum", 2147483647.0}});
    Json bounded = normal_.Both(normal, bounds, path);
    bounded.erase(kFormats);
    return Number(bounded, integer, path, hint);
  }
  const auto text = [](const std::optional<NumberBound>& bound) {
    return bound ? bound->decimal + (bound->exclusive ? "x" : "i") : std::string("-");
  };
  const std::string key = std::string("number ") + (integer ? "i " : "n ") + text(range.minimum) + " " +
                          text(range.maximum) + " " + range.multiple_of.value_or("-");
  std::string& rule = known_[key];
  if (!rule.empty()) return rule;
  auto language = NumberLanguage(range);
  if (!language.ok()) throw SchemaError(path, "multipleOf", language.status().message());
  if (language.value().empty()) {
    const char* keyword = range.minimum   ? (range.minimum->exclusive ? "exclusiveMinimum" : "minimum")
                          : range.maximum ? (range.maximum->exclusive ? "exclusiveMaximum" : "maximum")
                                          : "multipleOf";
    throw NoValue(path, keyword, "leaves no number that JavaScript holds exactly: widen the range");
  }
  try {
    rule = Automatic(language.value(), Writing::kPlain,
                     range.minimum || range.maximum || range.multiple_of ? hint : "digits");
  } catch (const TooLarge& error) {
    throw SchemaError(path, "multipleOf", std::string(error.what()) + ": use fewer such numbers");
  }
  return rule;
}

}  // namespace medinfer
