#include "schema/value_shape.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "schema/references.h"

namespace medinfer {
namespace {

constexpr std::string_view kTypes[] = {"null", "boolean", "integer", "number", "string", "array", "object"};
// Of what is not written as JSON. A reader is made of every branch down to there, of which references make many.
constexpr int kMaxDepth = 4;

void AddTypes(NormalSchemas& schemas, const Json& normal, const std::string& path, int depth,
              std::set<std::string>& types) {
  if (normal.contains("enum")) {
    for (const Json& value : normal["enum"]) {
      for (const std::string_view type : kTypes) {
        if (HasType(value, type)) {
          types.emplace(type);
          break;
        }
      }
    }
    return;
  }
  if (normal.contains("anyOf") && depth < 20) {
    for (const Json& each : normal["anyOf"]) AddTypes(schemas, schemas.Of(each, path), path, depth + 1, types);
    return;
  }
  if (normal.contains("type")) {
    for (const Json& type : normal["type"]) types.insert(type.get<std::string>());
    return;
  }
  const std::string implied = ImpliedType(normal);
  if (!implied.empty()) {
    types.insert(implied);
  } else {
    types.insert(std::begin(kTypes), std::end(kTypes));
  }
}

bool IsOneByOne(const Json& list) {
  return list.contains("items") && !list.contains("prefixItems") && !IsNever(list["items"]);
}

// Whether all members have their properties.
bool IsClosed(const Json& object) {
  if (!object.contains("properties") || object["properties"].empty()) return false;
  for (const char* keyword : {"patternProperties", "propertyNames"}) {
    if (object.contains(keyword)) return false;
  }
  for (const char* keyword : {"additionalProperties", "unevaluatedProperties"}) {
    if (object.contains(keyword) && !IsNever(object[keyword])) return false;
  }
  const Json required = object.value("required", Json::array());
  return std::all_of(required.begin(), required.end(), [&](const Json& name) {
    return object["properties"].contains(name.get_ref<const std::string&>());
  });
}

}  // namespace

std::set<std::string> TypesOf(NormalSchemas& schemas, const Json& normal, const std::string& path) {
  std::set<std::string> types;
  AddTypes(schemas, normal, path, 0, types);
  if (types.contains("number")) types.erase("integer");
  return types;
}

Shape ShapeOf(NormalSchemas& schemas, const Json& normal, const std::string& path, int depth) {
  const std::set<std::string> types = TypesOf(schemas, normal, path);
  if (types.contains("string")) return Shape::kText;
  if (depth >= kMaxDepth || types.size() != 1 || normal.contains("enum") || normal.contains("anyOf")) {
    return Shape::kJson;
  }
  if (types.contains("array") && IsOneByOne(normal)) return Shape::kList;
  if (types.contains("object") && IsClosed(normal)) return Shape::kObject;
  return Shape::kJson;
}

Json OutlineOf(NormalSchemas& schemas, const Json& normal, const std::string& path, int depth) {
  const std::set<std::string> types = TypesOf(schemas, normal, path);
  Json outline = Json::object();
  const auto inside = [&](const Json& node, const std::string& at) {
    return OutlineOf(schemas, schemas.Of(node, at), at, depth + 1);
  };
  switch (ShapeOf(schemas, normal, path, depth)) {
    case Shape::kText:
      if (types.size() == 1) {
        outline["type"] = "string";
      } else if (types.size() < std::size(kTypes) - 1) {
        outline["type"] = types;
      }
      break;
    case Shape::kList:
      outline["type"] = "array";
      outline["items"] = inside(normal["items"], path + "/items");
      break;
    case Shape::kObject: {
      outline["type"] = "object";
      Json properties = Json::object();
      for (const auto& property : normal["properties"].items()) {
        // One that may not be there is never written.
        const std::string at = PointerTo(path + "/properties", property.key());
        properties[property.key()] = IsNever(property.value()) ? Json::object() : inside(property.value(), at);
      }
      outline["properties"] = properties;
      if (normal.contains("required")) outline["required"] = normal["required"];
      break;
    }
    case Shape::kJson:
      // Several types are as an object's of any members: JSON.
      outline["type"] = types.size() == 1 ? *types.begin() : "object";
      if (outline["type"] == "array") outline["prefixItems"] = Json::array();  // and no list of equal items
      break;
  }
  return outline;
}

}  // namespace medinfer
