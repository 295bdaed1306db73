// Arrays.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "schema/references.h"
#include "schema/schema_reader.h"
#include "schema/text_language.h"

namespace medinfer {
namespace {

constexpr std::size_t kMaxUnique = 500;        // values of which each may stand once
constexpr std::size_t kMaxUniqueRules = 5000;  // for them: values times counts

// The values that a schema lists one by one; empty: it does not.
Json Listed(const Json& normal, const std::string& path) {
  Json values = Json::array();
  if (normal.contains("enum")) {
    for (const Json& value : normal["enum"]) {
      const bool twice = std::find(values.begin(), values.end(), value) != values.end();
      if (!twice && Accepts(normal, value, path)) values.push_back(value);
    }
  } else if (normal.contains("type") && !normal.contains("anyOf")) {
    for (const Json& type : normal["type"]) {
      if (type != "boolean" && type != "null") return Json::array();
      if (type == "null") values.push_back(nullptr);
      if (type == "boolean") values.insert(values.end(), {Json(true), Json(false)});
    }
  }
  return values;
}

// Those that can be items of a list in this form.
Json WritableItems(const Json& values, const ValueForm& form) {
  const std::unique_ptr<const ValueForm> inside = form.Inside("");
  const ValueForm& form_of_items = inside == nullptr ? form : *inside;
  const bool texts =
      form.IsShaped() && std::any_of(values.begin(), values.end(), [](const Json& value) { return value.is_string(); });
  Json writable = Json::array();
  for (const Json& value : values) {
    if ((!texts || value.is_string()) && CanWrite(form_of_items, value)) writable.push_back(value);
  }
  return writable;
}

}  // namespace

std::string SchemaReader::Array(const Json& normal, const std::string& path, int depth, std::string_view hint) {
  long least = CountOf(normal, "minItems", 0);
  long most = CountOf(normal, "maxItems", RegexTerms::kUnbounded);
  if (most != RegexTerms::kUnbounded && most < least) {
    throw NoValue(path, "maxItems", "is less than minItems: exchange them");
  }
  const Json first = normal.value("prefixItems", Json::array());
  const bool no_more = normal.contains("items") && IsNever(normal["items"]);
  if (normal.contains("uniqueItems") && (most == RegexTerms::kUnbounded || most > 1)) {
    const Json values =
        first.empty() && normal.contains("items") && !no_more
            ? WritableItems(Listed(normal_.Of(normal["items"], path + "/items"), path + "/items"), *form_)
            : Json::array();
    if (values.empty() || values.size() > kMaxUnique) {
      throw SchemaError(path, "uniqueItems",
                        "can only be kept where items are an enum of at most 500 values: leave it out, and check it in "
                        "the answer");
    }
    return Subset(values, least, most, path, hint);
  }
  std::vector<std::string> symbols;
  for (const Json& item : first) {
    if (most != RegexTerms::kUnbounded && static_cast<long>(symbols.size()) >= most) break;
    const std::string at = path + "/prefixItems/" + std::to_string(symbols.size());
    symbols.push_back(form_->Item(ValueInside("", item, at, depth + 1, hint)));
  }
  // All of the first items are written; more of them only where the schema speaks of more.
  const auto size = static_cast<long>(symbols.size());
  least = std::max(least, size);
  if (no_more || (size > 0 && !normal.contains("items") && least == size)) {
    if (least > size) throw NoValue(path, "minItems", "asks for more items than there may be: lower it");
    most = size;
  }
  const std::string comma = form_->Comma(book_);
  std::string body;
  for (const std::string& symbol : symbols) body = body.empty() ? symbol : InRow(body, InRow(comma, symbol));
  if (most != size) {
    const Json any = Json::object();
    if (form_->IsJson() && size == 0 && least == 0 && most == RegexTerms::kUnbounded && !normal.contains("items")) {
      AnyValue();
      return book_.Builtin("array");
    }
    const std::string item = form_->Item(ValueInside("", normal.contains("items") ? normal["items"] : any,
                                                     path + "/items", depth + 1, std::string(hint) + "-item"));
    const std::string next = book_.Add(std::string(hint) + "-next", InRow(comma, item));
    const auto less = [](long count, long by) { return count == RegexTerms::kUnbounded ? count : count - by; };
    if (size > 0) {
      body = InRow(body, book_.Repeat(next, least - size, less(most, size)));
    } else {
      const std::string more = book_.Repeat(next, std::max(0L, least - 1), less(most, 1));
      const std::string some = more.empty() ? item : item + " " + more;
      body = least == 0 ? "(" + some + ")?" : some;
    }
  }
  return book_.Add(hint, form_->List(book_, body));
}

// Some of the values, in their order.
std::string SchemaReader::Subset(const Json& values, long least, long most, const std::string& path,
                                 std::string_view hint) {
  const auto size = static_cast<long>(values.size());
  if (most == RegexTerms::kUnbounded || most > size) most = size;
  if (least > size) throw NoValue(path, "minItems", "asks for more items than uniqueItems leaves: lower it");
  // Whether one is written already is all that counts, unless there are bounds.
  const bool counted = least > 1 || most < size;
  if (counted && values.size() * static_cast<std::size_t>(most) > kMaxUniqueRules) {
    throw SchemaError(path, "uniqueItems", "beside minItems or maxItems needs too many rules: leave one of them out");
  }
  const std::string comma = form_->Comma(book_);
  // Rules for what goes on at the i-th value or a later one, by how many are written. From the last value back.
  std::map<std::pair<long, long>, std::string> at;
  const long counts = counted ? most : 1;
  for (long i = size; i-- > 0;) {
    for (long written = 0; written < (counted ? counts : 2); ++written) {
      if (counted && written + (size - i) < least) continue;
      const long after = counted ? written + 1 : 1;
      std::string body = form_->Item(GbnfLiteral(form_->Written(values[static_cast<std::size_t>(i)])));
      const auto more = at.find({i + 1, after});
      const bool full = counted && after >= most;
      const bool enough = after >= least;
      if (!full && more != at.end()) {
        const std::string next = InRow(comma, more->second);
        body += enough ? " (" + next + ")?" : " " + next;
      } else if (!enough) {
        body.clear();
      }
      if (const auto later = at.find({i + 1, written}); later != at.end()) {
        body += (body.empty() ? "" : " | ") + later->second;
      }
      if (!body.empty()) at[{i, written}] = book_.Add(std::string(hint) + "-of", body);
    }
  }
  if (most == 0) return book_.Add(hint, form_->List(book_, ""));
  const std::string some = at.at({0, 0});
  return book_.Add(hint, form_->List(book_, least == 0 ? some + "?" : some));
}

}  // namespace medinfer
