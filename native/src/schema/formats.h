// The formats of JSON Schema that are kept.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace medinfer {

// A pattern all of whose texts are of the format; not every one that is matches it. Empty: any text is. nullopt: the
// format is unknown. `bounded`: where texts of the format may be of any length, only those of a few hundred characters.
std::optional<std::string> FormatPattern(std::string_view format, bool bounded = false);

// The names, for a message.
std::string FormatNames();

}  // namespace medinfer
