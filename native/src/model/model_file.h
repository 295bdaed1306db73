// Whether llama.cpp can be trusted with a model file.
#pragma once

#include <string>

#include "medinfer/status.h"

namespace medinfer {

// Fails with kModelNotFound or kBadGguf. llama.cpp refuses most damaged files itself, but ends the process over a
// vocabulary that holds a token twice; here is checked what it does not refuse.
Status CheckModelFile(const std::string& path);

}  // namespace medinfer
