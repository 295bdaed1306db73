// Text that came from outside, as messages show it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace medinfer {

// Most bytes of a name, a path or a reason in a message. A message holds two of them at most: no more than 200
// characters of it are anybody else's, so that a prompt or an image that was passed by mistake is in no log.
inline constexpr std::size_t kMostShown = 90;

// The beginning of a text, with blanks in place of control characters and "…" in place of the rest.
std::string Excerpt(std::string_view text, std::size_t most = kMostShown);

// The end of a path, where the file's name stands.
std::string ExcerptPath(std::string_view path, std::size_t most = kMostShown);

}  // namespace medinfer
