// Image files (JPEG, PNG, GIF, BMP) to pixels. Knows no llama.cpp.
//
// A file is checked before it is decoded: its size, its dimensions and its integrity. stb_image, which decodes, is
// lenient: it turns the missing half of a truncated file into grey, black or noise without a word, and what a model
// reads from such a picture looks like an answer.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "medinfer/status.h"

namespace medinfer {

enum class ImageFormat : std::uint8_t { kJpeg, kPng, kGif, kBmp };

struct ImageLimits {
  std::uint64_t max_bytes = 64ULL << 20U;
  std::uint64_t max_pixels = 64ULL * 1000 * 1000;
};

// No side of an image may be longer: keeps width * height * 4 and what preprocessors compute from it inside int32.
inline constexpr std::uint32_t kMaxImageSide = 32768;

struct ImageInfo {
  ImageFormat format = ImageFormat::kJpeg;
  std::uint32_t width = 0;  // as shown, that is after `orientation`
  std::uint32_t height = 0;
  bool may_have_alpha = false;
  // EXIF: how the stored rows and columns have to be turned to be upright, 1 (not at all) to 8.
  std::uint8_t orientation = 1;
};

struct FreeDeleter {
  void operator()(void* memory) const { std::free(memory); }
};

// Row-major RGB, 8 bits each, no padding.
struct Bitmap {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::unique_ptr<std::uint8_t[], FreeDeleter> rgb;

  std::size_t bytes() const { return std::size_t{3} * width * height; }
};

// All functions take any bytes, on any thread.

// Reads the header alone: cheap for any file. Fails with kImageDecode.
Result<ImageInfo> ProbeImage(std::span<const std::uint8_t> file);

// ProbeImage, the limits, and whether the file is whole; allocates no pixels. Fails with kImageTooLarge or
// kImageDecode.
Result<ImageInfo> InspectImage(std::span<const std::uint8_t> file, const ImageLimits& limits);

// The pixels of a file that InspectImage approved, whose answer is `info`. Fails with kImageDecode or kOutOfMemory. The
// first frame of an animation. Pixels are upright (EXIF), and transparent ones lie on white: what is
// printed in black on a transparent page stays readable. An image with no transparency and no EXIF rotation has
// exactly the bytes that stb_image, and so libmtmd's own loader, gives for it.
Result<Bitmap> DecodePixels(std::span<const std::uint8_t> file, const ImageInfo& info);

// Both in one.
Result<Bitmap> DecodeImage(std::span<const std::uint8_t> file, const ImageLimits& limits);

}  // namespace medinfer
