// Checks a request before it reaches llama.cpp, whose answer to a bad value is often an assert. The TypeScript library
// reports bad options with more words; these checks hold for every caller.
#pragma once

#include <cstdint>

#include "medinfer/request.h"
#include "medinfer/status.h"

namespace medinfer {

// `vision`: whether the engine reads images. `n_vocab`: tokens of its vocabulary.
Status ValidateRequest(const Request& request, bool vision, std::uint32_t n_vocab);

Status ValidateEmbedRequest(const EmbedRequest& request);

}  // namespace medinfer
