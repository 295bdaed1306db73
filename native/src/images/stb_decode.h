// stb_image behind a wall: no stdio, bounded memory, no leak, no abort.
#pragma once

#include <cstdint>
#include <memory>

#include "images/byte_reader.h"
#include "images/image_codec.h"
#include "medinfer/status.h"

namespace medinfer {

struct StbPixels {
  std::uint32_t width = 0;  // as stored, before any EXIF rotation
  std::uint32_t height = 0;
  std::unique_ptr<std::uint8_t[], FreeDeleter> samples;  // width * height * channels
};

// `channels`: 3 or 4. `max_memory`: most bytes that may be allocated at any time while decoding; a small file that
// inflates to more fails instead. Any thread.
Result<StbPixels> DecodeWithStb(Bytes file, int channels, std::uint64_t max_memory);

}  // namespace medinfer
