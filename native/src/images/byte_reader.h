// Bounded reads from the bytes of a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace medinfer {

using Bytes = std::span<const std::uint8_t>;

// REQUIRES (all four): the bytes are there.
inline std::uint32_t ReadBe16(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) << 8U | bytes[at + 1];
}
inline std::uint32_t ReadBe32(Bytes bytes, std::size_t at) {
  return ReadBe16(bytes, at) << 16U | ReadBe16(bytes, at + 2);
}
inline std::uint32_t ReadLe16(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at + 1]) << 8U | bytes[at];
}
inline std::uint32_t ReadLe32(Bytes bytes, std::size_t at) {
  return ReadLe16(bytes, at + 2) << 16U | ReadLe16(bytes, at);
}

// Whether `count` bytes lie at `at`; safe for any two numbers.
inline bool Has(Bytes bytes, std::size_t at, std::size_t count) {
  return at <= bytes.size() && count <= bytes.size() - at;
}

inline bool HasText(Bytes bytes, std::size_t at, std::string_view text) {
  return Has(bytes, at, text.size()) && std::memcmp(bytes.data() + at, text.data(), text.size()) == 0;
}

}  // namespace medinfer
