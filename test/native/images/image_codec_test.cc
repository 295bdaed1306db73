#include "images/image_codec.h"

#include <gtest/gtest.h>
#include <mtmd-helper.h>
#include <mtmd.h>

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "support/image_files.h"

namespace medinfer {
namespace {

using File = std::vector<std::uint8_t>;

// With no alpha and no EXIF rotation.
const char* const kPlainFiles[] = {
    "baseline.jpg", "grey.jpg",    "progressive.jpg", "restarts.jpg", "cmyk.jpg",    "subsampled.jpg",
    "exif-1.jpg",   "rgb.png",     "grey.png",        "palette.png",  "bilevel.png", "opaque-alpha.png",
    "rgb16.png",    "grey16.png",  "plain.gif",       "animated.gif", "noise.gif",   "rgb.bmp",
    "palette.bmp",  "bilevel.bmp", "top-down.bmp",    "rgb32.bmp",    "rgb565.bmp",
};
const char* const kOtherFiles[] = {
    "exif-2.jpg", "exif-3.jpg", "exif-4.jpg",      "exif-5.jpg",   "exif-6.jpg",      "exif-7.jpg",
    "exif-8.jpg", "exif-6.png", "transparent.png", "grey-key.png", "transparent.gif", "alpha-v4.bmp",
};

std::vector<std::string> AllFiles() {
  std::vector<std::string> names(std::begin(kPlainFiles), std::end(kPlainFiles));
  names.insert(names.end(), std::begin(kOtherFiles), std::end(kOtherFiles));
  return names;
}

Bitmap Decode(const std::string& name) {
  const File file = ReadFixture(name);
  Result<Bitmap> bitmap = DecodeImage(file, ImageLimits{});
  EXPECT_TRUE(bitmap.ok()) << name << ": " << (bitmap.ok() ? "" : bitmap.status().message());
  return bitmap.ok() ? std::move(bitmap.value()) : Bitmap{};
}

std::array<int, 3> Pixel(const Bitmap& bitmap, std::uint32_t x, std::uint32_t y) {
  const std::uint8_t* at = bitmap.rgb.get() + 3 * (std::size_t{y} * bitmap.width + x);
  return {at[0], at[1], at[2]};
}

// Both JPEG and palettes blur colours a little.
bool Near(const std::array<int, 3>& a, const std::array<int, 3>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), [](int p, int q) { return std::abs(p - q) <= 24; });
}

Code CodeOf(const File& file, const ImageLimits& limits = {}) {
  const Result<Bitmap> bitmap = DecodeImage(file, limits);
  if (bitmap.ok()) {
    return Code::kOk;
  }
  EXPECT_FALSE(bitmap.status().message().empty());
  return bitmap.status().code();
}

std::uint32_t Crc32(const std::uint8_t* data, std::size_t size) {
  std::uint32_t crc = ~0U;
  for (std::size_t i = 0; i < size; ++i) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 1U) != 0 ? 0xEDB88320U ^ (crc >> 1U) : crc >> 1U;
    }
  }
  return ~crc;
}

void PutBe32(File& file, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    file.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

void PutChunk(File& file, const std::string& type, const File& data) {
  PutBe32(file, static_cast<std::uint32_t>(data.size()));
  const std::size_t begin = file.size();
  file.insert(file.end(), type.begin(), type.end());
  file.insert(file.end(), data.begin(), data.end());
  PutBe32(file, Crc32(file.data() + begin, file.size() - begin));
}

// A grey 8-bit PNG with sound checksums.
File MakePng(std::uint32_t width, std::uint32_t height, const File& compressed) {
  File file = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  File header;
  PutBe32(header, width);
  PutBe32(header, height);
  header.insert(header.end(), {8, 0, 0, 0, 0});
  PutChunk(file, "IHDR", header);
  PutChunk(file, "IDAT", compressed);
  PutChunk(file, "IEND", {});
  return file;
}

// A zlib stream of n_runs * 258 + 1 zeros, 13 bits per run.
File DeflateZeros(std::size_t n_runs) {
  File out = {0x78, 0x01};
  std::uint32_t bits = 0;
  int n_bits = 0;
  const auto put = [&](std::uint32_t value, int count) {
    bits |= value << n_bits;
    n_bits += count;
    while (n_bits >= 8) {
      out.push_back(static_cast<std::uint8_t>(bits));
      bits >>= 8;
      n_bits -= 8;
    }
  };
  put(0b011, 3);       // last block, fixed codes
  put(0b00001100, 8);  // literal 0
  for (std::size_t i = 0; i < n_runs; ++i) {
    put(0b10100011, 8);  // length 258
    put(0, 5);           // distance 1
  }
  put(0, 7);  // end of block
  put(0, 8);
  out.insert(out.end(), 4, 0);  // checksum
  return out;
}

TEST(ImageCodecTest, OpaqueImagesEqualTheLoaderOfLibmtmd) {
  for (const char* name : kPlainFiles) {
    const File file = ReadFixture(name);
    ASSERT_FALSE(file.empty()) << name;
    const Bitmap bitmap = Decode(name);
    mtmd_helper_bitmap_wrapper wrapper =
        mtmd_helper_bitmap_init_from_buf(nullptr, file.data(), file.size(), false, mtmd_helper_init_opt_default());
    ASSERT_NE(wrapper.bitmap, nullptr) << name;
    EXPECT_EQ(bitmap.width, mtmd_bitmap_get_nx(wrapper.bitmap)) << name;
    EXPECT_EQ(bitmap.height, mtmd_bitmap_get_ny(wrapper.bitmap)) << name;
    ASSERT_EQ(bitmap.bytes(), mtmd_bitmap_get_n_bytes(wrapper.bitmap)) << name;
    const unsigned char* reference = mtmd_bitmap_get_data(wrapper.bitmap);
    EXPECT_TRUE(std::equal(reference, reference + bitmap.bytes(), bitmap.rgb.get())) << name;
    mtmd_bitmap_free(wrapper.bitmap);
  }
}

TEST(ImageCodecTest, ProbeAgreesWithDecode) {
  for (const std::string& name : AllFiles()) {
    const Result<ImageInfo> info = ProbeImage(ReadFixture(name));
    ASSERT_TRUE(info.ok()) << name << ": " << info.status().message();
    const Bitmap bitmap = Decode(name);
    EXPECT_EQ(info.value().width, bitmap.width) << name;
    EXPECT_EQ(info.value().height, bitmap.height) << name;
  }
}

TEST(ImageCodecTest, PhotosAreTurnedUpright) {
  for (const char* name : {"exif-1.jpg", "exif-2.jpg", "exif-3.jpg", "exif-4.jpg", "exif-5.jpg", "exif-6.jpg",
                           "exif-7.jpg", "exif-8.jpg", "exif-6.png"}) {
    const Bitmap bitmap = Decode(name);
    ASSERT_EQ(bitmap.width, 24U) << name;
    ASSERT_EQ(bitmap.height, 16U) << name;
    EXPECT_TRUE(Near(Pixel(bitmap, 3, 3), {220, 30, 20})) << name;
    EXPECT_TRUE(Near(Pixel(bitmap, 20, 3), {20, 200, 40})) << name;
    EXPECT_TRUE(Near(Pixel(bitmap, 3, 13), {30, 40, 210})) << name;
    EXPECT_TRUE(Near(Pixel(bitmap, 20, 13), {250, 250, 250})) << name;
  }
}

TEST(ImageCodecTest, TransparentPixelsLieOnWhite) {
  const Bitmap png = Decode("transparent.png");
  EXPECT_EQ(Pixel(png, 0, 0), (std::array<int, 3>{255, 255, 255}));
  EXPECT_EQ(Pixel(png, 6, 6), (std::array<int, 3>{0, 0, 0}));
  EXPECT_EQ(Pixel(png, 14, 6), (std::array<int, 3>{127, 127, 127}));
  const Bitmap gif = Decode("transparent.gif");
  EXPECT_EQ(Pixel(gif, 0, 0), (std::array<int, 3>{255, 255, 255}));
  EXPECT_EQ(Pixel(gif, 6, 6), (std::array<int, 3>{0, 0, 0}));
  const Bitmap key = Decode("grey-key.png");
  EXPECT_EQ(Pixel(key, 0, 0), (std::array<int, 3>{0, 0, 0}));
  EXPECT_EQ(Pixel(key, 1, 1), (std::array<int, 3>{255, 255, 255}));
  const Bitmap bmp = Decode("alpha-v4.bmp");
  EXPECT_TRUE(Near(Pixel(bmp, 3, 3), {237, 142, 137}));
}

// Pillow's reading of the same files, on white.
TEST(ImageCodecTest, TheFourthByteOfABmpIsAlphaOnlyWhereItsHeaderSaysSo) {
  for (const char* name :
       {"info", "v3", "v4", "v5", "info-masks", "v4-masks", "v5-masks", "v4-alpha", "v5-alpha", "v5-alpha-first"}) {
    const std::string file = std::string("fourth-") + name;
    const Bitmap bmp = Decode(file + ".bmp");
    const Bitmap png = Decode(file + ".png");
    ASSERT_EQ(bmp.bytes(), png.bytes());
    for (std::size_t i = 0; i < bmp.bytes(); ++i) {
      ASSERT_LE(std::abs(bmp.rgb[i] - png.rgb[i]), 1) << name << " at " << i;  // both round what they blend
    }
  }
  // Of a picture that would not be seen at all the alpha is no alpha: that of v5-alpha without one shows its colours.
  const Bitmap empty = Decode("fourth-v5-empty.bmp");
  const Bitmap shown = Decode("fourth-v5-masks.bmp");
  EXPECT_TRUE(std::equal(empty.rgb.get(), empty.rgb.get() + empty.bytes(), shown.rgb.get()));
}

// stb_image would show it shifted by eight bytes.
TEST(ImageCodecTest, BmpVariantsThatStbMisreadsAreRefused) {
  EXPECT_EQ(CodeOf(ReadFixture("refused-gap.bmp")), Code::kImageDecode);
  File file = ReadFixture("palette.bmp");
  file.back() = 0xFF;  // an index beyond the palette
  EXPECT_EQ(CodeOf(file), Code::kImageDecode);
}

TEST(ImageCodecTest, EveryTruncationIsRefused) {
  for (const std::string& name : AllFiles()) {
    const File file = ReadFixture(name);
    const std::size_t step = std::max<std::size_t>(1, file.size() / 2000);
    for (std::size_t size = 0; size < file.size(); size += step) {
      EXPECT_EQ(CodeOf(File(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))), Code::kImageDecode)
          << name << " cut to " << size;
    }
    EXPECT_EQ(CodeOf(File(file.begin(), file.end() - 1)), Code::kImageDecode) << name;
  }
}

TEST(ImageCodecTest, EveryFlippedBitOfAPngIsFound) {
  for (const char* name : {"rgb.png", "palette.png", "rgb16.png", "transparent.png"}) {
    File file = ReadFixture(name);
    for (std::size_t i = 0; i < file.size() * 8; ++i) {
      file[i / 8] ^= static_cast<std::uint8_t>(1U << (i % 8));
      EXPECT_NE(CodeOf(file), Code::kOk) << name << " bit " << i;
      file[i / 8] ^= static_cast<std::uint8_t>(1U << (i % 8));
    }
  }
}

TEST(ImageCodecTest, DamagedFilesEndInAnImageOrAnError) {
  std::mt19937 random(7);
  for (const std::string& name : AllFiles()) {
    const File file = ReadFixture(name);
    for (int round = 0; round < 300; ++round) {
      File damaged = file;
      const std::size_t n_changes = 1 + random() % 8;
      for (std::size_t i = 0; i < n_changes; ++i) {
        damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
      }
      if (round % 3 == 0) {  // a piece lost
        const std::size_t begin = random() % damaged.size();
        const std::size_t length = 1 + random() % (damaged.size() - begin);
        damaged.erase(damaged.begin() + static_cast<std::ptrdiff_t>(begin),
                      damaged.begin() + static_cast<std::ptrdiff_t>(begin + length));
      }
      ImageLimits limits;
      limits.max_pixels = 1000 * 1000;
      const Code code = CodeOf(damaged, limits);
      EXPECT_TRUE(code == Code::kOk || code == Code::kImageDecode || code == Code::kImageTooLarge);
    }
  }
}

TEST(ImageCodecTest, LimitsHoldBeforeDecoding) {
  const File file = ReadFixture("rgb.png");
  EXPECT_EQ(CodeOf(file, {file.size(), 24 * 16}), Code::kOk);
  EXPECT_EQ(CodeOf(file, {file.size() - 1, 24 * 16}), Code::kImageTooLarge);
  EXPECT_EQ(CodeOf(file, {file.size(), 24 * 16 - 1}), Code::kImageTooLarge);
  // 100 megapixels, and nothing behind the header that could be decoded.
  EXPECT_EQ(CodeOf(MakePng(10000, 10000, {0})), Code::kImageTooLarge);
  EXPECT_EQ(CodeOf(MakePng(kMaxImageSide + 1, 1, {0})), Code::kImageTooLarge);
  EXPECT_EQ(CodeOf(MakePng(1, kMaxImageSide + 1, {0})), Code::kImageTooLarge);
  EXPECT_EQ(CodeOf(MakePng(1U << 31U, 1U << 31U, {0})), Code::kImageTooLarge);
}

TEST(ImageCodecTest, FilesMadeToExhaustMemoryOrTimeAreRefused) {
  EXPECT_EQ(CodeOf(MakePng(258, 1, DeflateZeros(1))), Code::kOk);
  EXPECT_EQ(CodeOf(MakePng(8, 8, DeflateZeros(600 * 1000))), Code::kImageDecode);  // 150 MB of zeros

  const File progressive = ReadFixture("progressive.jpg");
  const File sos = {0xFF, 0xDA};
  const auto scan = std::search(progressive.begin(), progressive.end(), sos.begin(), sos.end());
  const auto next = std::search(scan + 2, progressive.end(), sos.begin(), sos.end());
  File many(progressive.begin(), next);
  for (int i = 0; i < 300; ++i) {
    many.insert(many.end(), scan, next);
  }
  many.insert(many.end(), next, progressive.end());
  EXPECT_EQ(CodeOf(many), Code::kImageDecode);
}

TEST(ImageCodecTest, LostJpegDataIsFound) {
  const File file = ReadFixture("restarts.jpg");
  const auto restart = [&](int i) {
    const File marker = {0xFF, static_cast<std::uint8_t>(0xD0 + i)};
    return std::search(file.begin(), file.end(), marker.begin(), marker.end());
  };
  ASSERT_NE(restart(2), file.end());
  File lost_one(file.begin(), restart(1));
  lost_one.insert(lost_one.end(), restart(2), file.end());
  EXPECT_EQ(CodeOf(lost_one), Code::kImageDecode);
  File lost_rest(file.begin(), restart(1));
  lost_rest.insert(lost_rest.end(), {0xFF, 0xD9});
  EXPECT_EQ(CodeOf(lost_rest), Code::kImageDecode);
}

// What stands in its first 128 bytes is free: some scanners put a TIFF's beginning there.
TEST(ImageCodecTest, DicomIsNamedWhateverItBeginsWith) {
  for (const std::string& head : {std::string("II*\0", 4), std::string("MM\0*", 4), std::string("RIFF\0\0\0\0WEBP", 12),
                                  std::string("%PDF-1.7"), std::string("text"), std::string()}) {
    File file(200, 0);
    std::copy(head.begin(), head.end(), file.begin());
    const std::string mark = "DICM";
    std::copy(mark.begin(), mark.end(), file.begin() + 128);
    const Result<Bitmap> bitmap = DecodeImage(file, ImageLimits{});
    ASSERT_FALSE(bitmap.ok());
    EXPECT_NE(bitmap.status().message().find("DICOM"), std::string::npos) << head;
  }
}

TEST(ImageCodecTest, MessagesSayWhatToDo) {
  const auto message = [](const File& file) {
    const Result<Bitmap> bitmap = DecodeImage(file, ImageLimits{});
    return bitmap.ok() ? std::string() : bitmap.status().message();
  };
  EXPECT_NE(message({}).find("empty"), std::string::npos);
  EXPECT_NE(message(ReadFixture("refused.webp")).find("WebP"), std::string::npos);
  EXPECT_NE(message(ReadFixture("refused.tiff")).find("TIFF"), std::string::npos);
  EXPECT_NE(message(File(64, 1)).find("send JPEG, PNG, GIF or BMP"), std::string::npos);
  const std::string page = "<!DOCTYPE html>\n<html><body>Not found</body></html>\n";
  EXPECT_NE(message(File(page.begin(), page.end())).find("are a text"), std::string::npos);
  File half = ReadFixture("baseline.jpg");
  half.resize(half.size() / 2);
  EXPECT_NE(message(half).find("truncated; send the whole file"), std::string::npos);
}

TEST(ImageCodecTest, BytesBehindTheEndAreIgnored) {
  for (const char* name : {"baseline.jpg", "rgb.png", "plain.gif", "rgb.bmp"}) {
    File file = ReadFixture(name);
    file.insert(file.end(), {1, 2, 3, 0xFF, 0xD8});
    EXPECT_EQ(CodeOf(file), Code::kOk) << name;
  }
}

}  // namespace
}  // namespace medinfer
