#include "base/excerpt.h"

#include <algorithm>

#include "base/utf8.h"

namespace medinfer {
namespace {

constexpr std::string_view kRest = "…";

std::string OnOneLine(std::string_view text) {
  std::string line(text);
  std::replace_if(line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return line;
}

bool ContinuesCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

}  // namespace

std::string Excerpt(std::string_view text, std::size_t most) {
  if (text.size() <= most) return OnOneLine(text);
  const std::string_view head = text.substr(0, most);
  return OnOneLine(head.substr(0, CompleteUtf8Prefix(head))).append(kRest);
}

std::string ExcerptPath(std::string_view path, std::size_t most) {
  if (path.size() <= most) return OnOneLine(path);
  std::string_view tail = path.substr(path.size() - most);
  while (!tail.empty() && ContinuesCharacter(tail.front())) tail.remove_prefix(1);
  return std::string(kRest).append(OnOneLine(tail));
}

}  // namespace medinfer
