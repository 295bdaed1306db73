// Files of random LoRA adapters.
#pragma once

#include <string>

#include "model/model.h"

namespace medinfer::testing {

// One of rank 4 for the queries and the last matrix of every layer; another seed is another adapter. Removed at the end
// of the test program.
std::string RandomAdapterFile(const Model& model, int seed);

}  // namespace medinfer::testing
