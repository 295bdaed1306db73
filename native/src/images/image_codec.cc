#include "images/image_codec.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>
#include <utility>

#include "images/image_formats.h"
#include "images/stb_decode.h"

namespace medinfer {
namespace {

struct Format {
  bool (*matches)(Bytes);
  Result<ImageInfo> (*read_info)(Bytes);
  Status (*check)(Bytes);
};

constexpr std::array<Format, 4> kFormats = {{
    {IsJpeg, ReadJpegInfo, CheckJpeg},
    {IsPng, ReadPngInfo, CheckPng},
    {IsGif, ReadGifInfo, CheckGif},
    {IsBmp, ReadBmpInfo, CheckBmp},
}};

const Format* FindFormat(Bytes file) {
  for (const Format& format : kFormats) {
    if (format.matches(file)) {
      return &format;
    }
  }
  return nullptr;
}

bool IsText(Bytes file) {
  constexpr std::size_t kHead = 64;
  const Bytes head = file.first(std::min(file.size(), kHead));
  return std::all_of(head.begin(), head.end(),
                     [](std::uint8_t c) { return (c >= 0x20 && c < 0x7F) || std::isspace(c); });
}

Status UnknownFormat(Bytes file) {
  if (file.empty()) {
    return BadImage("the image is empty (0 bytes): send the file's content");
  }
  const char* name = nullptr;
  if (HasText(file, 128, "DICM")) {
    name = "DICOM";  // first: what stands before that is free, and may look like a TIFF
  } else if (HasText(file, 0, "RIFF") && HasText(file, 8, "WEBP")) {
    name = "WebP";
  } else if (HasText(file, 4, "ftyp")) {
    name = "HEIC, AVIF or video";
  } else if (HasText(file, 0, std::string_view("II*\0", 4)) || HasText(file, 0, std::string_view("MM\0*", 4))) {
    name = "TIFF";
  } else if (HasText(file, 0, "%PDF")) {
    name = "PDF";
  }
  if (name != nullptr) {
    return BadImage(std::string("this is a ") + name + " file; convert it to JPEG, PNG, GIF or BMP");
  }
  if (IsText(file)) {
    return BadImage(
        "these bytes are a text, such as base64, HTML or SVG: send the bytes of a JPEG, PNG, GIF or BMP file");
  }
  return BadImage("these bytes are not an image that is known: send JPEG, PNG, GIF or BMP");
}

// What stb_image needs at most per pixel: a progressive JPEG of four components keeps coefficients (2 bytes), samples
// (1) and the result (4); an interlaced PNG of 16-bit RGBA keeps inflated rows, a pass and the whole (8 each) and the
// result. Small pictures are padded to blocks.
std::uint64_t MemoryBound(std::uint64_t n_pixels, std::uint64_t n_bytes) {
  constexpr std::uint64_t kPerPixel = 40;
  constexpr std::uint64_t kFixed = 4ULL << 20U;
  return n_pixels * kPerPixel + 2 * n_bytes + kFixed;
}

// What writes such a BMP means its colours: it knows of no alpha, and leaves those bytes empty.
bool HasNoAlpha(const std::uint8_t* rgba, std::size_t n_pixels) {
  for (std::size_t i = 0; i < n_pixels; ++i) {
    if (rgba[4 * i + 3] != 0) return false;
  }
  return true;
}

// Over white, in place: the front of `rgba` becomes RGB. `opaque`: its alpha does not count.
void FlattenOnWhite(std::uint8_t* rgba, std::size_t n_pixels, bool opaque) {
  constexpr std::uint32_t kWhite = 255;
  for (std::size_t i = 0; i < n_pixels; ++i) {
    const std::uint32_t alpha = opaque ? 255 : rgba[4 * i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      const std::uint32_t value = rgba[4 * i + c] * alpha + kWhite * (255 - alpha);
      rgba[3 * i + c] = static_cast<std::uint8_t>((value + 127) / 255);
    }
  }
}

// Turns the stored picture upright. EXIF orientations: 2 mirrored, 3 upside down, 4 both, 5 to 8 the same with rows
// and columns exchanged.
Bitmap Upright(Bitmap stored, std::uint8_t orientation) {
  if (orientation == 1) {
    return stored;
  }
  const bool transposed = orientation >= 5;
  const bool right_to_left = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool bottom_to_top = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Bitmap upright;
  upright.width = transposed ? stored.height : stored.width;
  upright.height = transposed ? stored.width : stored.height;
  upright.rgb.reset(static_cast<std::uint8_t*>(std::malloc(stored.bytes())));
  if (upright.rgb == nullptr) {
    return upright;
  }
  std::uint8_t* out = upright.rgb.get();
  for (std::uint32_t y = 0; y < upright.height; ++y) {
    for (std::uint32_t x = 0; x < upright.width; ++x) {
      const std::uint32_t column = transposed ? y : x;
      const std::uint32_t row = transposed ? x : y;
      const std::size_t from_x = right_to_left ? stored.width - 1 - column : column;
      const std::size_t from_y = bottom_to_top ? stored.height - 1 - row : row;
      const std::uint8_t* in = stored.rgb.get() + 3 * (from_y * stored.width + from_x);
      *out++ = in[0];
      *out++ = in[1];
      *out++ = in[2];
    }
  }
  return upright;
}

}  // namespace

Result<ImageInfo> ProbeImage(std::span<const std::uint8_t> file) {
  const Format* format = FindFormat(file);
  return format != nullptr ? format->read_info(file) : UnknownFormat(file);
}

Result<ImageInfo> InspectImage(std::span<const std::uint8_t> file, const ImageLimits& limits) {
  if (file.size() > limits.max_bytes) {
    return Status(Code::kImageTooLarge, "the image file has " + std::to_string(file.size()) + " bytes, more than the " +
                                            std::to_string(limits.max_bytes) +
                                            " allowed: send a smaller one or raise the limit");
  }
  const Format* format = FindFormat(file);
  if (format == nullptr) {
    return UnknownFormat(file);
  }
  const Result<ImageInfo> read = format->read_info(file);
  if (!read.ok()) {
    return read.status();
  }
  const ImageInfo& info = read.value();
  const std::uint64_t n_pixels = std::uint64_t{info.width} * info.height;
  const std::string size = std::to_string(info.width) + " x " + std::to_string(info.height);
  if (n_pixels > limits.max_pixels) {
    return Status(Code::kImageTooLarge, "the image is " + size + " pixels, more than the " +
                                            std::to_string(limits.max_pixels) +
                                            " allowed: scale it down or raise the limit");
  }
  if (info.width > kMaxImageSide || info.height > kMaxImageSide) {
    return Status(Code::kImageTooLarge, "the image is " + size + " pixels; no side may be longer than " +
                                            std::to_string(kMaxImageSide) + ": scale it down or cut it");
  }
  if (Status status = format->check(file); !status.ok()) {
    return status;
  }
  return info;
}

Result<Bitmap> DecodeImage(std::span<const std::uint8_t> file, const ImageLimits& limits) {
  const Result<ImageInfo> info = InspectImage(file, limits);
  return info.ok() ? DecodePixels(file, info.value()) : info.status();
}

Result<Bitmap> DecodePixels(std::span<const std::uint8_t> file, const ImageInfo& info) {
  const std::uint64_t n_pixels = std::uint64_t{info.width} * info.height;
  const int channels = info.may_have_alpha ? 4 : 3;
  Result<StbPixels> pixels = DecodeWithStb(file, channels, MemoryBound(n_pixels, file.size()));
  if (!pixels.ok()) {
    return pixels.status();
  }
  Bitmap bitmap;
  bitmap.width = pixels.value().width;
  bitmap.height = pixels.value().height;
  bitmap.rgb = std::move(pixels.value().samples);
  if (std::uint64_t{bitmap.width} * bitmap.height != n_pixels) {
    return BadImage("the image is damaged (its size is given twice, and differs)");
  }
  if (info.may_have_alpha) {
    const bool opaque = info.format == ImageFormat::kBmp && HasNoAlpha(bitmap.rgb.get(), n_pixels);
    FlattenOnWhite(bitmap.rgb.get(), n_pixels, opaque);
  }
  bitmap = Upright(std::move(bitmap), info.orientation);
  if (bitmap.rgb == nullptr) {
    return Status(Code::kOutOfMemory, "no memory to turn the image upright: scale it down");
  }
  return bitmap;
}

}  // namespace medinfer
