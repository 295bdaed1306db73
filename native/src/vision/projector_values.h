// Whether libmtmd can work with what a projector's metadata says: it divides by these numbers, loops over them and
// allocates by them, and ends the process where one is not what it expects.
#pragma once

#include <string>

struct gguf_context;

namespace medinfer {

// What is wrong with the keys of the image encoder: names the key and its value. Empty: nothing. `kind`: as
// ProjectorFile has it, e.g. "qwen2vl_merger".
std::string FindBadProjectorValue(const gguf_context* gguf, const std::string& kind);

}  // namespace medinfer
