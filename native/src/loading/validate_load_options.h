// Checks load options before they reach llama.cpp, whose answer to a bad value is often an assert. The TypeScript
// library reports bad options with more words; these checks hold for every caller.
#pragma once

#include "medinfer/load_options.h"
#include "medinfer/status.h"

namespace medinfer {

Status ValidateLoadOptions(const LoadOptions& options);

}  // namespace medinfer
