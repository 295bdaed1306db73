// Image files for the tests of native/src/vision.
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "support/places.h"

namespace medinfer {

inline std::vector<std::uint8_t> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::vector<std::uint8_t>(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

inline std::vector<std::uint8_t> ReadFixture(const std::string& name) {
  return ReadFile(std::string(places::kSources) + "/test/fixtures/images/" + name);
}

// A 24-bit BMP of any size; `paint(x, y, channel)` gives the samples.
template <typename Paint>
std::vector<std::uint8_t> MakeBmp(std::uint32_t width, std::uint32_t height, const Paint& paint) {
  std::vector<std::uint8_t> file;
  const auto put = [&](std::uint32_t value, int n_bytes) {
    for (int i = 0; i < n_bytes; ++i) {
      file.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
  };
  const std::uint32_t stride = (3 * width + 3) / 4 * 4;
  put(0x4D42, 2);
  put(54 + stride * height, 4);
  put(0, 4);
  put(54, 4);
  put(40, 4);
  put(width, 4);
  put(height, 4);
  put(1, 2);
  put(24, 2);
  file.insert(file.end(), 24, 0);
  for (std::uint32_t y = height; y-- > 0;) {
    for (std::uint32_t x = 0; x < width; ++x) {
      for (std::uint32_t c = 3; c-- > 0;) {
        file.push_back(static_cast<std::uint8_t>(paint(x, y, c)));
      }
    }
    file.insert(file.end(), stride - 3 * width, 0);
  }
  return file;
}

}  // namespace medinfer
