// GIF89a: a list of blocks. stb_image shows whatever part of the first frame it can decode, so the frame's LZW codes
// are followed here: not for the pixels, only for how many there are.
#include <vector>

#include "images/image_formats.h"

namespace medinfer {
namespace {

constexpr std::size_t kScreenEnd = 13;  // signature and logical screen descriptor
constexpr std::uint8_t kExtension = 0x21;
constexpr std::uint8_t kImage = 0x2C;
constexpr std::uint8_t kTrailer = 0x3B;
constexpr std::size_t kDescriptorSize = 9;
constexpr std::uint32_t kMaxCodes = 4096;

Status Truncated() { return BadImage("the GIF ends before its trailer: it is truncated; send the whole file"); }

Status Damaged(const char* what) {
  return BadImage(std::string("the GIF is damaged (") + what + "): send it again from an intact copy");
}

std::size_t ColourTableSize(std::uint8_t flags) {
  return (flags & 0x80U) != 0 ? std::size_t{3} << ((flags & 7U) + 1U) : 0;
}

// Appends the data of the sub-blocks that begin at `at` to `data` where it is not null; gives where they end.
Result<std::size_t> ReadSubBlocks(Bytes file, std::size_t at, std::vector<std::uint8_t>* data) {
  for (;;) {
    if (!Has(file, at, 1)) {
      return Truncated();
    }
    const std::size_t length = file[at];
    ++at;
    if (length == 0) {
      return at;
    }
    if (!Has(file, at, length)) {
      return Truncated();
    }
    if (data != nullptr) {
      const Bytes block = file.subspan(at, length);
      data->insert(data->end(), block.begin(), block.end());
    }
    at += length;
  }
}

// Whether `data` holds the LZW codes of `n_pixels` pixels: all of them, and not so many more that decoding them would
// be work without end.
Status CheckCodes(Bytes data, std::uint32_t min_code_size, std::uint64_t n_pixels) {
  const std::uint32_t clear = 1U << min_code_size;
  const std::uint32_t end = clear + 1;
  std::vector<std::uint32_t> length(kMaxCodes, 1);  // pixels per code
  std::uint32_t n_codes = end + 1;
  std::uint32_t code_size = min_code_size + 1;
  std::uint32_t previous = end;  // `end`: none
  std::uint64_t total = 0;
  std::uint32_t bits = 0;
  std::uint32_t n_bits = 0;
  bool cleared = false;
  for (const std::uint8_t byte : data) {
    bits |= static_cast<std::uint32_t>(byte) << n_bits;
    n_bits += 8;
    while (n_bits >= code_size) {
      const std::uint32_t code = bits & ((1U << code_size) - 1U);
      bits >>= code_size;
      n_bits -= code_size;
      if (code == clear) {
        n_codes = end + 1;
        code_size = min_code_size + 1;
        previous = end;
        cleared = true;
        continue;
      }
      if (code == end) {
        return total >= n_pixels ? Status() : Damaged("pixels missing");
      }
      const bool defines_itself = code == n_codes && previous != end;
      if (!cleared || (code >= n_codes && !defines_itself)) {
        return Damaged("impossible code");
      }
      if (previous != end && n_codes < kMaxCodes) {
        length[n_codes] = length[previous] + 1;
        ++n_codes;
        if (n_codes == 1U << code_size && code_size < 12) {
          ++code_size;
        }
      }
      total += length[code];
      if (total > 2 * n_pixels + kMaxCodes) {
        return Damaged("far more pixels than its size allows");
      }
      previous = code;
    }
  }
  return total >= n_pixels ? Status() : Damaged("pixels missing");
}

Status CheckFrame(Bytes file, std::size_t descriptor, std::size_t data_at) {
  const std::uint64_t screen_width = ReadLe16(file, 6);
  const std::uint64_t screen_height = ReadLe16(file, 8);
  const std::uint64_t width = ReadLe16(file, descriptor + 4);
  const std::uint64_t height = ReadLe16(file, descriptor + 6);
  if (width == 0 || height == 0 || ReadLe16(file, descriptor) + width > screen_width ||
      ReadLe16(file, descriptor + 2) + height > screen_height) {
    return Damaged("its first frame does not lie within its screen");
  }
  if (ColourTableSize(file[10]) == 0 && ColourTableSize(file[descriptor + 8]) == 0) {
    return Damaged("no colour table");
  }
  const std::uint32_t min_code_size = file[data_at];
  if (min_code_size < 1 || min_code_size > 8) {
    return Damaged("code size");
  }
  std::vector<std::uint8_t> codes;
  Result<std::size_t> end = ReadSubBlocks(file, data_at + 1, &codes);
  if (!end.ok()) {
    return end.status();
  }
  return CheckCodes(codes, min_code_size, width * height);
}

}  // namespace

bool IsGif(Bytes file) { return HasText(file, 0, "GIF87a") || HasText(file, 0, "GIF89a"); }

Result<ImageInfo> ReadGifInfo(Bytes file) {
  if (!Has(file, 0, kScreenEnd)) {
    return Truncated();
  }
  ImageInfo info;
  info.format = ImageFormat::kGif;
  info.width = ReadLe16(file, 6);
  info.height = ReadLe16(file, 8);
  info.may_have_alpha = true;
  if (info.width == 0 || info.height == 0) {
    return Damaged("no width or height in its header");
  }
  return info;
}

Status CheckGif(Bytes file) {
  bool has_frame = false;
  for (std::size_t at = kScreenEnd + ColourTableSize(file[10]);;) {
    if (!Has(file, at, 1)) {
      return Truncated();
    }
    const std::uint8_t block = file[at];
    ++at;
    if (block == kTrailer) {
      break;
    }
    if (block == kExtension) {
      ++at;  // label
    } else if (block == kImage) {
      const std::size_t descriptor = at;
      if (!Has(file, descriptor, kDescriptorSize)) {
        return Truncated();
      }
      at += kDescriptorSize + ColourTableSize(file[descriptor + 8]);
      if (!Has(file, at, 1)) {
        return Truncated();
      }
      if (!has_frame) {
        if (Status status = CheckFrame(file, descriptor, at); !status.ok()) {
          return status;
        }
        has_frame = true;
      }
      ++at;  // code size
    } else {
      return Damaged("unknown block");
    }
    Result<std::size_t> end = ReadSubBlocks(file, at, nullptr);
    if (!end.ok()) {
      return end.status();
    }
    at = end.value();
  }
  return has_frame ? Status() : Damaged("no frame");
}

}  // namespace medinfer
