// SplitMode::kTensor: every matrix has a part on every device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace medinfer {

// The largest part, 0..1, that device `i` can have of a dimension that is divided between `units`, such as heads.
// llama.cpp rounds each device's part down to whole units and gives the rest to the last, which is another one in every
// layer. REQUIRES: units >= 1, a share above 0.
double LargestPart(const std::vector<float>& shares, std::size_t i, std::int64_t units);

}  // namespace medinfer
