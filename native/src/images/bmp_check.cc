// BMP: a header and rows at an offset. stb_image reads zeros behind the end of the file, colours behind the end of a
// palette, and from the wrong place in some rare variants, which are refused here.
#include <limits>

#include "images/image_formats.h"

namespace medinfer {
namespace {

constexpr std::size_t kFileHeaderSize = 14;
constexpr std::uint32_t kCoreHeaderSize = 12;
constexpr std::uint32_t kV4HeaderSize = 108;
constexpr std::uint32_t kRgb = 0;
constexpr std::uint32_t kBitFields = 3;

struct Header {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint32_t offset = 0;  // of the rows
  std::uint32_t bits_per_pixel = 0;
  std::uint32_t alpha_mask = 0;  // 0: whatever stands beside the colours of a pixel is no alpha
  std::uint64_t n_colours = 0;   // of the palette; pixels are indices into it below 16 bits
};

Status Truncated() { return BadImage("the BMP ends before its last row: it is truncated; send the whole file"); }

Status Damaged(const char* what) {
  return BadImage(std::string("the BMP is damaged (") + what + "): send it again from an intact copy");
}

Result<Header> ReadHeader(Bytes file) {
  if (!Has(file, 0, kFileHeaderSize + 4)) {
    return Truncated();
  }
  Header header;
  header.offset = ReadLe32(file, 10);
  const std::uint32_t size = ReadLe32(file, kFileHeaderSize);
  const std::size_t at = kFileHeaderSize;
  if (size != kCoreHeaderSize && size != 40 && size != 56 && size != 108 && size != 124) {
    return BadImage("the BMP has a header that is not supported: save it as a Windows BMP, or as PNG");
  }
  if (!Has(file, at, size)) {
    return Truncated();
  }
  std::uint32_t compression = kRgb;
  if (size == kCoreHeaderSize) {
    header.width = ReadLe16(file, at + 4);
    header.height = ReadLe16(file, at + 6);
    header.bits_per_pixel = ReadLe16(file, at + 10);
  } else {
    const std::uint32_t width = ReadLe32(file, at + 4);
    const std::uint32_t height = ReadLe32(file, at + 8);
    constexpr std::uint32_t kSign = 1U << 31U;
    if ((width & kSign) != 0 || height == kSign) {
      return Damaged("width or height");
    }
    header.width = width;
    header.height = (height & kSign) != 0 ? ~height + 1 : height;  // negative: rows from the top
    header.bits_per_pixel = ReadLe16(file, at + 14);
    compression = ReadLe32(file, at + 16);
    // Only the headers of versions 4 and 5 have one, and only there does it hold.
    if (compression == kBitFields && size >= kV4HeaderSize) header.alpha_mask = ReadLe32(file, at + 52);
  }
  if (header.width == 0 || header.height == 0) {
    return Damaged("no width or height in its header");
  }
  if (compression != kRgb && compression != kBitFields) {
    return BadImage(
        "the BMP is compressed (RLE, or an embedded JPEG or PNG), which is not supported: save it "
        "uncompressed, or as PNG");
  }
  switch (header.bits_per_pixel) {
    case 1:
    case 4:
    case 8:
    case 16:
    case 24:
    case 32:
      break;
    default:
      return Damaged("bits per pixel");
  }
  if (header.offset < at + size) {
    return Damaged("its rows begin inside its header");
  }
  const std::uint32_t gap = header.offset - static_cast<std::uint32_t>(at) - size;
  if (header.bits_per_pixel < 16) {
    // stb_image leaves out four colours of the oldest header's palette.
    header.n_colours = size == kCoreHeaderSize ? (gap < 12 ? 0 : (gap - 12) / 3) : gap / 4;
    return header;
  }
  // It skips a gap before the rows twice, and looks for the masks of a 56-byte header behind it.
  const std::uint32_t masks = compression == kBitFields && size == 40 ? 12 : 0;
  if (gap != masks || (compression == kBitFields && size == 56)) {
    return BadImage("the BMP is of a rare variant that cannot be read reliably: save it as PNG");
  }
  return header;
}

bool IndicesWithinPalette(Bytes row, const Header& header) {
  const std::uint32_t bits = header.bits_per_pixel;
  const std::uint32_t per_byte = 8 / bits;
  for (std::uint32_t x = 0; x < header.width; ++x) {
    const std::uint32_t shift = 8 - bits * (x % per_byte + 1);
    if (((row[x / per_byte] >> shift) & ((1U << bits) - 1U)) >= header.n_colours) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool IsBmp(Bytes file) { return HasText(file, 0, "BM"); }

Result<ImageInfo> ReadBmpInfo(Bytes file) {
  Result<Header> header = ReadHeader(file);
  if (!header.ok()) {
    return header.status();
  }
  ImageInfo info;
  info.format = ImageFormat::kBmp;
  info.width = header.value().width;
  info.height = header.value().height;
  info.may_have_alpha = header.value().alpha_mask != 0;
  return info;
}

Status CheckBmp(Bytes file) {
  const Result<Header> read = ReadHeader(file);
  if (!read.ok()) {
    return read.status();
  }
  const Header& header = read.value();
  const std::uint64_t row = (std::uint64_t{header.width} * header.bits_per_pixel + 7) / 8;
  const std::uint64_t stride = (row + 3) / 4 * 4;
  if (!Has(file, header.offset, stride * header.height)) {
    return Truncated();
  }
  const bool indexed = header.bits_per_pixel < 16;
  for (std::uint32_t y = 0; indexed && y < header.height; ++y) {
    if (!IndicesWithinPalette(file.subspan(header.offset + y * stride, row), header)) {
      return Damaged("a colour that is not in its palette");
    }
  }
  return Status();
}

}  // namespace medinfer
