// Schemas in one form: what $ref, allOf and several keywords of one meaning say is put together.
#pragma once

#include <string>
#include <vector>

#include "schema/keywords.h"
#include "schema/number_language.h"
#include "schema/schema_error.h"

namespace medinfer {

// Under these names a schema in normal form lists all its patterns and formats. No JSON text of a user holds them as
// keywords: they are refused as unknown.
inline constexpr const char* kPatterns = "\x01patterns";
inline constexpr const char* kFormats = "\x01formats";

class NormalSchemas {
 public:
  // `root` outlives it, and its references are resolved.
  explicit NormalSchemas(const Json& root) : root_(root) {}

  // Of what the user wrote at `path`: an object with the kept keywords only, in which const is enum, type is a list,
  // oneOf is anyOf, pattern and format stand under the names above, and $ref and allOf are not. What is in it, such as
  // properties, is as the user wrote it. Throws SchemaError; NoValue where it contradicts itself.
  Json Of(const Json& node, const std::string& path, int depth = 0);

  // What satisfies both. REQUIRES: they are in normal form.
  Json Both(const Json& a, const Json& b, const std::string& path);

  // What a $ref leads to.
  const Json& Target(const Json& reference, const std::string& path) const;

 private:
  // Whether surely no value satisfies both. REQUIRES: they are in normal form.
  bool Disjoint(const Json& a, const Json& b, const std::string& path, int depth);
  void CheckExclusive(const Json& alternatives, const std::string& path, int depth);
  void Count(const std::string& path, long steps = 1);
  Json Own(const Json& node, const std::string& path, int depth);

  const Json& root_;
  std::vector<std::string> open_;  // references that are being followed
  long steps_ = 0;
};

// The type that the keywords of a normal schema without one are for; empty: it has none.
std::string ImpliedType(const Json& normal);

// Whether it is written as a schema that no value satisfies: false, or {"not": {}}.
bool IsNever(const Json& schema);

// The bounds of a normal schema, the stricter ones, without the type.
NumberRange RangeOf(const Json& normal);

// Whether all of the normal schema's keywords but anyOf let the value through. Throws SchemaError where that is not
// known: for objects and arrays.
bool Accepts(const Json& normal, const Json& value, const std::string& path);

}  // namespace medinfer
