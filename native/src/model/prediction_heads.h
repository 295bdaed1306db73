// Layers behind a model's others that guess the tokens after the next: multi-token prediction heads ("MTP", "nextn").
#pragma once

#include "medinfer/load_options.h"

namespace medinfer {

// Whether a load with these options takes the weights of heads along: the options want some, and `model_path` is of an
// architecture whose heads llama.cpp runs and whose memory gives up what was guessed wrong. False where the file
// cannot be read.
bool LoadsHeads(const LoadOptions& options);

}  // namespace medinfer
