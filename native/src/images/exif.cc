#include "images/image_formats.h"

namespace medinfer {

std::uint8_t ReadExifOrientation(Bytes tiff) {
  constexpr std::uint8_t kUpright = 1;
  constexpr std::uint32_t kOrientationTag = 0x0112;
  constexpr std::uint32_t kShort = 3;
  constexpr std::size_t kEntrySize = 12;

  const bool little = HasText(tiff, 0, "II");
  if ((!little && !HasText(tiff, 0, "MM")) || !Has(tiff, 0, 8)) {
    return kUpright;
  }
  const auto read16 = [&](std::size_t at) { return little ? ReadLe16(tiff, at) : ReadBe16(tiff, at); };
  const auto read32 = [&](std::size_t at) { return little ? ReadLe32(tiff, at) : ReadBe32(tiff, at); };

  if (read16(2) != 42) {
    return kUpright;
  }
  const std::size_t directory = read32(4);
  if (!Has(tiff, directory, 2)) {
    return kUpright;
  }
  const std::size_t n_entries = read16(directory);
  for (std::size_t i = 0; i < n_entries; ++i) {
    const std::size_t entry = directory + 2 + i * kEntrySize;
    if (!Has(tiff, entry, kEntrySize)) {
      return kUpright;
    }
    if (read16(entry) == kOrientationTag) {
      const std::uint32_t value = read16(entry + 8);
      const bool valid = read16(entry + 2) == kShort && read32(entry + 4) == 1 && value >= 1 && value <= 8;
      return valid ? static_cast<std::uint8_t>(value) : kUpright;
    }
  }
  return kUpright;
}

}  // namespace medinfer
