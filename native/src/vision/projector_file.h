// What a projector file says about itself, and whether libmtmd can be trusted with it.
#pragma once

#include <cstdint>
#include <string>

#include "medinfer/status.h"

namespace medinfer {

struct ProjectorFile {
  std::string type;                // "mlp", "qwen2vl_merger", ...
  std::uint64_t tensor_bytes = 0;  // of all weights
  std::uint32_t output_width = 0;  // floats per image token; 0: only libmtmd knows
};

// Fails with kModelNotFound or kBadMmproj. libmtmd reads a truncated file without noticing, and ends the process over
// a value of an unexpected type or shape; here is checked what damage or a mix-up of files plausibly brings.
Result<ProjectorFile> InspectProjectorFile(const std::string& path);

}  // namespace medinfer
