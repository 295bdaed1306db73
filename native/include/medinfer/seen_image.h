// What became of an image of a prompt.
#pragma once

#include <cstdint>

namespace medinfer {

struct SeenImage {
  std::uint32_t width = 0;  // of the file's picture, in pixels
  std::uint32_t height = 0;
  std::uint32_t seen_width = 0;  // of what the encoder saw; of several pictures, of the largest
  std::uint32_t seen_height = 0;
  std::uint32_t tiles = 0;  // pictures that the encoder saw of it
  std::uint32_t tokens = 0;
};

}  // namespace medinfer
