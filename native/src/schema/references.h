// References inside of a schema.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace medinfer {

// Rewrites each $ref that leads to a place in `root` as that place's JSON pointer, "#/$defs/a", without %-escapes:
// pointers, $anchor, $id and what is relative to one. Others stay as they are; nothing is ever fetched.
void ResolveReferences(nlohmann::ordered_json& root);

// The JSON pointer of what stands under a key at `pointer`.
std::string PointerTo(const std::string& pointer, const std::string& key);

}  // namespace medinfer
