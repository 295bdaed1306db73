// How forms of answers that write lists and objects piece by piece write a schema's values. Such a form's reader knows
// no more of a schema than an outline, so both have to say the same of it.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "schema/keywords.h"
#include "schema/normal_schema.h"

namespace medinfer {

// The types that a value of a normal schema may have.
std::set<std::string> TypesOf(NormalSchemas& schemas, const Json& normal, const std::string& path);

enum class Shape : std::uint8_t {
  kText,    // a text as it is: whatever may be one
  kList,    // item by item
  kObject,  // member by member, required ones first
  kJson,    // anything else, as JSON
};

// `depth`: lists and objects around the value in an argument; deep ones are JSON.
Shape ShapeOf(NormalSchemas& schemas, const Json& normal, const std::string& path, int depth);

// A schema that says no more than types, items and properties, of which a reader makes the same of values.
Json OutlineOf(NormalSchemas& schemas, const Json& normal, const std::string& path, int depth = 0);

}  // namespace medinfer
