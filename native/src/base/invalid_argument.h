// What validation says of an argument that is not taken.
#pragma once

#include <cstdint>
#include <string>

#include "medinfer/status.h"

namespace medinfer {

inline Status Invalid(const char* message) { return {Code::kInvalidArgument, message}; }

// `name` as callers write it; both ends are taken.
inline Status OutOfRange(const char* name, std::uint64_t low, std::uint64_t high) {
  return {Code::kInvalidArgument,
          std::string(name) + " must be from " + std::to_string(low) + " to " + std::to_string(high)};
}

}  // namespace medinfer
