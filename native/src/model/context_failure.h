// Why there is no context for a model: an option that the model cannot have, too little memory, a device that fails,
// or the file. Each has its own code and advice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "medinfer/load_options.h"
#include "medinfer/status.h"

struct llama_model;

namespace medinfer {

// What a context of this model cannot have, however much memory there is.
Status CheckContextOptions(const llama_model& model, const LoadOptions& options);

// `logged`: what llama.cpp logged when it made none; `excerpt`: as much of it as a message may hold; `cells`: of the KV
// pool.
Status ContextFailure(std::string_view logged, const std::string& excerpt, std::uint32_t cells);

}  // namespace medinfer
