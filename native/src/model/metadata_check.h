// Whether llama.cpp can be trusted with a model's metadata.
#pragma once

#include <string>

struct gguf_context;

namespace medinfer {

// What is wrong, with the key and its value; empty: nothing was found. Checked is what the pinned llama.cpp ends the
// process over, or divides by, and what it would allocate or count up to for ever. Types of values and shapes of
// tensors it checks itself; what is asserted beyond that, AssertionGuard reports.
std::string FindBadMetadata(const gguf_context* gguf);

}  // namespace medinfer
