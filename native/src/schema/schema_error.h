// What is wrong with a schema, and where. A message holds less than 200 bytes of the user's own.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace medinfer {

// A piece of the user's text, without half a character at its end.
inline std::string Shortened(const std::string& text, std::size_t bytes = 40) {
  if (text.size() <= bytes) return text;
  std::size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "…";
}

// The same in quotes.
inline std::string Shown(const std::string& text) { return "\"" + Shortened(text) + "\""; }

// `path`: of the schema in the user's document, as a JSON pointer behind "#". `what` says what to do, too.
struct SchemaError : std::runtime_error {
  SchemaError(const std::string& path, const std::string& keyword, const std::string& what)
      : std::runtime_error(ShortPath(path) + ": " + keyword + " " + what) {}

 private:
  // Its end says more than its middle.
  static std::string ShortPath(const std::string& path) {
    if (path.size() <= 100) return path;
    const std::size_t slash = path.find('/', path.size() - 60);
    return Shortened(path) + (slash == std::string::npos ? "" : path.substr(slash));
  }
};

// No value satisfies it: fine for one of several alternatives.
struct NoValue : SchemaError {
  using SchemaError::SchemaError;
};

}  // namespace medinfer
