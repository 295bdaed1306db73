// Checks what comes from outside before it reaches llama.cpp, whose answer to a bad value is often an assert that ends
// the process. The TypeScript library reports bad options with more words; these checks hold whoever calls.
#pragma once

#include <cstdint>

#include "medinfer/engine.h"
#include "medinfer/request.h"
#include "medinfer/status.h"

namespace medinfer {

Status ValidateLoadOptions(const LoadOptions& options);
Status ValidateRequest(const Request& request, bool vision, std::uint32_t n_vocab);
Status ValidateSampling(const SamplingParams& params, std::uint32_t n_vocab);

}  // namespace medinfer
