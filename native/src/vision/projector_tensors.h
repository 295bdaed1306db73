// Whether a projector's tensors are those that libmtmd works with. One that is missing counts as optional until it is
// used.
#pragma once

#include <cstdint>
#include <string>

struct gguf_context;

namespace medinfer {

// What is wrong with the tensors of the image encoder: names the tensor. Empty: nothing. `kind`: as ProjectorFile has
// it. REQUIRES: FindBadProjectorValue found nothing.
std::string FindBadProjectorTensor(const gguf_context* gguf, const std::string& kind);

// Floats per image token; 0: only libmtmd knows.
std::uint32_t ProjectorWidth(const gguf_context* gguf, const std::string& kind);

}  // namespace medinfer
