// What a GGUF file's metadata says, whatever types its writer chose.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct gguf_context;

namespace medinfer {

// A view: REQUIRES that the context outlives it. Integers are given as doubles, which hold all of 32 bits.
class GgufValues {
 public:
  explicit GgufValues(const gguf_context* gguf) : gguf_(gguf) {}

  bool Has(const std::string& key) const;
  // A number, or an array of numbers; empty where the key is missing or something else. A bool is 0 or 1.
  std::vector<double> Numbers(const std::string& key) const;
  // The number, or the first of an array.
  std::optional<double> Number(const std::string& key) const;
  std::string Text(const std::string& key) const;
  // For a message: at most kMostOfValue bytes.
  std::string Show(const std::string& key) const;

 private:
  const gguf_context* gguf_;
};

// Text from a file, for a message: at most this many bytes of it, and nothing unprintable.
inline constexpr std::size_t kMostOfValue = 100;
std::string Shown(std::string_view text);

}  // namespace medinfer
