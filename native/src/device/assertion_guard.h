// The last net: what ggml, llama.cpp and libmtmd assert becomes an exception, and their exceptions become text.
#pragma once

#include <exception>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "ggml-abort.h"

namespace medinfer {

// While one lives, an assertion that fails on its thread throws std::runtime_error in the place of ending the process.
// The code that makes one has to catch that, and to trust none of the objects that were worked on. Sound, because those
// libraries hold no lock where they assert, and their objects are freed as after any of their own exceptions; what C
// code had allocated is lost. Threads that compute catch for themselves, and fail their graph (patch 0066).
class AssertionGuard {
 public:
  AssertionGuard() { ggml_catch_aborts(true); }
  ~AssertionGuard() { ggml_catch_aborts(false); }
  AssertionGuard(const AssertionGuard&) = delete;
  AssertionGuard& operator=(const AssertionGuard&) = delete;
};

// Runs `work`; where it asserts or throws, returns what that says. std::bad_alloc passes through.
template <typename Work>
std::optional<std::string> Attempt(Work&& work) {
  const AssertionGuard guard;
  try {
    std::forward<Work>(work)();
    return std::nullopt;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace medinfer
