// Image files: any bytes become the picture that their header announces, or are refused.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "images/byte_reader.h"
#include "images/image_codec.h"
#include "images/image_formats.h"

namespace medinfer {
namespace {

constexpr ImageLimits kLimits = {.max_bytes = 1U << 20U, .max_pixels = 1U << 18U};

void Require(bool condition) {
  if (!condition) std::abort();
}

void Decode(Bytes file) {
  const Result<ImageInfo> probed = ProbeImage(file);
  const Result<ImageInfo> info = InspectImage(file, kLimits);
  if (!info.ok()) {
    Require(info.status().code() == Code::kImageDecode || info.status().code() == Code::kImageTooLarge);
    return;
  }
  Require(probed.ok() && probed.value().width == info.value().width && probed.value().height == info.value().height);
  const Result<Bitmap> bitmap = DecodePixels(file, info.value());
  if (!bitmap.ok()) return;
  Require(bitmap.value().width == info.value().width && bitmap.value().height == info.value().height);
  // Every byte of it is there.
  const std::vector<std::uint8_t> copy(bitmap.value().rgb.get(), bitmap.value().rgb.get() + bitmap.value().bytes());
  Require(copy.size() == std::size_t{3} * info.value().width * info.value().height);
}

std::uint32_t Crc32(Bytes bytes) {
  std::uint32_t crc = ~0U;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? 0xEDB88320U ^ (crc >> 1U) : crc >> 1U;
  }
  return ~crc;
}

// With the checksums right, what is between them reaches the decoder.
std::vector<std::uint8_t> MendedPng(std::vector<std::uint8_t> bytes) {
  for (std::size_t at = 8; Has(bytes, at, 12);) {
    const std::size_t length = ReadBe32(bytes, at);
    if (!Has(bytes, at, 12 + length)) break;
    const std::uint32_t crc = Crc32(Bytes(bytes).subspan(at + 4, 4 + length));
    for (std::size_t i = 0; i < 4; ++i) bytes[at + 8 + length + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    at += 12 + length;
  }
  return bytes;
}

}  // namespace
}  // namespace medinfer

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const medinfer::Bytes file(data, size);
  medinfer::Decode(file);
  if (medinfer::IsPng(file)) medinfer::Decode(medinfer::MendedPng({data, data + size}));
  const std::uint8_t orientation = medinfer::ReadExifOrientation(file);
  if (orientation < 1 || orientation > 8) std::abort();
  return 0;
}
