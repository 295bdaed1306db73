// What can be said of a GBNF text without llama.cpp's types in sight.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "medinfer/status.h"

namespace medinfer {

inline constexpr std::size_t kMaxGrammarBytes = 4U << 20U;

// The names of the rules of which no text ever ends. No token can be named. Otherwise as ParseGrammar (rules.h).
Result<std::vector<std::string>> EndlessRules(const std::string& text);

}  // namespace medinfer
