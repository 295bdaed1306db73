// Reads a JSON schema, refuses by name what no grammar of ours keeps, and writes the rest in the words that llama.cpp's
// converter understands fully: it leaves aside silently what it does not.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace medinfer {

using Json = nlohmann::ordered_json;

// In the text of a schema it would be mistaken for ours.
inline constexpr std::string_view kRulePrefix = "x7medinfer-";

struct SchemaError : std::runtime_error {
  SchemaError(const std::string& path, const std::string& what) : std::runtime_error(path + " " + what) {}
};

class SchemaReader {
 public:
  explicit SchemaReader(const Json& root) : root_(root) {}

  // The schema for the converter. Throws SchemaError.
  Json Read();

  // Right sides of rules. In the schema stands, for the i-th of them, the constant kRulePrefix + i.
  const std::vector<std::string>& rules() const { return rules_; }

 private:
  Json Node(const Json& node, const std::string& path, int depth);
  Json Reference(const Json& node, const std::string& path, int depth);
  Json Alternatives(const Json& node, const std::string& path, int depth);
  Json Values(const Json& node, const std::string& path) const;
  Json Types(const Json& node, const std::string& path, int depth);
  Json AllOf(const Json& node, const std::string& path, int depth);
  Json Text(const Json& node, const std::string& path);
  Json Number(const Json& node, const std::string& path, bool integer);
  Json Array(const Json& node, const std::string& path, int depth);
  Json Object(const Json& node, const std::string& path, int depth);

  const Json& Target(const std::string& reference, const std::string& path) const;
  const Json& Resolved(const Json& node, const std::string& path) const;
  // Whether no value satisfies both.
  bool Disjoint(const Json& a, const Json& b, const std::string& path) const;
  Json OwnRule(std::string rule);

  const Json& root_;
  std::map<std::string, std::string> keys_;  // what a $ref names -> its name in defs_
  Json defs_ = Json::object();
  std::vector<std::string> rules_;
};

}  // namespace medinfer
