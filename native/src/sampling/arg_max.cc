#include "sampling/arg_max.h"

#include <algorithm>
#include <array>
#include <limits>

namespace medinfer {
namespace {

constexpr std::size_t kLanes = 16;    // independent maxima: compilers turn them into vector registers
constexpr std::size_t kBlock = 1024;  // values looked at again where they hold a new largest one

float LargestOf(std::span<const float> values) {
  std::array<float, kLanes> lanes;
  lanes.fill(-std::numeric_limits<float>::infinity());
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float value = values[i + lane];
      lanes[lane] = value > lanes[lane] ? value : lanes[lane];
    }
  }
  for (; i < values.size(); ++i) lanes[0] = values[i] > lanes[0] ? values[i] : lanes[0];
  return *std::max_element(lanes.begin(), lanes.end());
}

}  // namespace

std::size_t ArgMax(std::span<const float> values) {
  float largest = -std::numeric_limits<float>::infinity();
  std::size_t block = 0;
  for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
    const float here = LargestOf(values.subspan(begin, std::min(kBlock, values.size() - begin)));
    if (here > largest) {
      largest = here;
      block = begin;
    }
  }
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(block);
  const auto found = std::find(begin, values.end(), largest);
  return found == values.end() ? 0 : static_cast<std::size_t>(found - values.begin());
}

}  // namespace medinfer
