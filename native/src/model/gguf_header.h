// A GGUF file's header: its metadata and what its tensors are, without their data.
#pragma once

#include <memory>
#include <string>

struct gguf_context;

namespace medinfer {

struct GgufDeleter {
  void operator()(gguf_context* gguf) const;
};
using GgufPtr = std::unique_ptr<gguf_context, GgufDeleter>;

// Null where the header cannot be read.
GgufPtr ReadGgufHeader(const std::string& path);

// The text at a key; empty where it is missing or something else. REQUIRES: not null.
std::string GgufText(const gguf_context* gguf, const std::string& key);

}  // namespace medinfer
