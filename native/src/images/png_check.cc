// PNG (RFC 2083): a list of chunks, each with a CRC-32, which stb_image does not look at.
#include <array>
#include <limits>

#include "images/image_formats.h"

namespace medinfer {
namespace {

constexpr std::string_view kSignature("\x89PNG\r\n\x1a\n", 8);
constexpr std::size_t kChunkOverhead = 12;  // length, type, CRC
constexpr std::size_t kHeaderSize = 13;

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value & 1U) != 0 ? 0xEDB88320U ^ (value >> 1U) : value >> 1U;
    }
    table[i] = value;
  }
  return table;
}();

std::uint32_t Crc32(Bytes bytes) {
  std::uint32_t crc = std::numeric_limits<std::uint32_t>::max();
  for (const std::uint8_t byte : bytes) {
    crc = kCrcTable[(crc ^ byte) & 0xFFU] ^ (crc >> 8U);
  }
  return ~crc;
}

struct Chunk {
  Bytes type_and_data;  // what the CRC covers
  std::uint32_t crc = 0;
  std::size_t next = 0;

  bool Is(std::string_view type) const { return HasText(type_and_data, 0, type); }
  Bytes data() const { return type_and_data.subspan(4); }
};

Status Truncated() { return BadImage("the PNG ends before its IEND chunk: it is truncated; send the whole file"); }

Status Damaged(const char* what) {
  return BadImage(std::string("the PNG is damaged (") + what + "): send it again from an intact copy");
}

Result<Chunk> NextChunk(Bytes file, std::size_t at) {
  if (!Has(file, at, kChunkOverhead)) {
    return Truncated();
  }
  const std::size_t length = ReadBe32(file, at);
  if (!Has(file, at, kChunkOverhead + length)) {
    return Truncated();
  }
  Chunk chunk;
  chunk.type_and_data = file.subspan(at + 4, 4 + length);
  chunk.crc = ReadBe32(file, at + 8 + length);
  chunk.next = at + kChunkOverhead + length;
  return chunk;
}

bool ValidDepth(std::uint32_t depth, std::uint32_t colour) {
  switch (colour) {
    case 0:
      return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case 3:
      return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case 2:
    case 4:
    case 6:
      return depth == 8 || depth == 16;
    default:
      return false;
  }
}

}  // namespace

bool IsPng(Bytes file) { return HasText(file, 0, kSignature); }

Result<ImageInfo> ReadPngInfo(Bytes file) {
  Result<Chunk> first = NextChunk(file, kSignature.size());
  if (!first.ok()) {
    return first.status();
  }
  if (first.value().Is("CgBI")) {
    return BadImage("the PNG is in Apple's private variant (CgBI): save it as a standard PNG");
  }
  const Bytes header = first.value().data();
  if (!first.value().Is("IHDR") || header.size() != kHeaderSize) {
    return Damaged("no IHDR chunk");
  }
  if (Crc32(first.value().type_and_data) != first.value().crc) {
    return Damaged("checksum of its header");
  }
  ImageInfo info;
  info.format = ImageFormat::kPng;
  info.width = ReadBe32(header, 0);
  info.height = ReadBe32(header, 4);
  const std::uint32_t colour = header[9];
  if (info.width == 0 || info.height == 0 || !ValidDepth(header[8], colour) || header[10] != 0 || header[11] != 0 ||
      header[12] > 1) {
    return Damaged("its header");
  }
  info.may_have_alpha = colour == 4 || colour == 6;
  for (std::size_t at = first.value().next;;) {
    Result<Chunk> next = NextChunk(file, at);
    if (!next.ok()) {
      return next.status();
    }
    const Chunk& chunk = next.value();
    if (chunk.Is("IDAT") || chunk.Is("IEND")) {
      break;
    }
    if (chunk.Is("tRNS")) {
      info.may_have_alpha = true;
    } else if (chunk.Is("eXIf")) {
      info.orientation = ReadExifOrientation(chunk.data());
    }
    at = chunk.next;
  }
  if (info.orientation > 4) {
    std::swap(info.width, info.height);
  }
  return info;
}

Status CheckPng(Bytes file) {
  bool has_data = false;
  for (std::size_t at = kSignature.size();;) {
    Result<Chunk> next = NextChunk(file, at);
    if (!next.ok()) {
      return next.status();
    }
    const Chunk& chunk = next.value();
    if (Crc32(chunk.type_and_data) != chunk.crc) {
      return Damaged("checksum of a chunk");
    }
    if (chunk.Is("IEND")) {
      break;
    }
    has_data = has_data || chunk.Is("IDAT");
    at = chunk.next;
  }
  return has_data ? Status() : Damaged("no picture data");
}

}  // namespace medinfer
