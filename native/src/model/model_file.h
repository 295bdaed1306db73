// Whether llama.cpp can be trusted with a model file.
#pragma once

#include <string>

#include "medinfer/status.h"

namespace medinfer {

// Fails with kModelNotFound or kBadGguf. llama.cpp refuses most damaged files itself, but not a vocabulary that holds a
// token twice, nor metadata that it asserts on or divides by (metadata_check.h); and it refuses in words that help
// nobody a projector, an adapter, a later part of a split model.
Status CheckModelFile(const std::string& path);

}  // namespace medinfer
